package org.facerecognition.train;

/** What a learning-rate schedule counts. */
public enum ScheduleUnit {
    /** The rate changes between epochs; the study's way. */
    EPOCH,
    /** The rate changes with every optimizer step. */
    STEP
}
