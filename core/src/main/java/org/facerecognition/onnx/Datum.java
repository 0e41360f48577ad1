package org.facerecognition.onnx;

/** A value while a graph is converted: one that is known, or one that depends on the images. */
sealed interface Datum permits Known, Computed {
    /** Returns the sizes of the dimensions, as ONNX sees them; {@link Known#BATCH} for the number of images. */
    long[] shape();
}
