package org.facerecognition.data;

/** The part of a data set that is asked for. */
public enum Split {
    /** To learn from. */
    TRAIN,
    /** To choose by: epochs, settings. Never augmented. */
    VAL,
    /** To report on, once. Never augmented. */
    TEST
}
