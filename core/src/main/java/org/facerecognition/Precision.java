package org.facerecognition;

/** The arithmetic of training. */
public enum Precision {
    /** float32 throughout. */
    FP32,
    /** bfloat16 for convolutions and matrix products (autocast), float32 for weights, normalisation and the head. */
    BF16
}
