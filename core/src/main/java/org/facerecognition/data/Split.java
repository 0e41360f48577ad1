package org.facerecognition.data;

/** A part of a data set. */
public enum Split {
    /** For training. */
    TRAIN,
    /** For choosing epochs and settings. Never augmented. */
    VAL,
    /** For reporting results, once. Never augmented. */
    TEST
}
