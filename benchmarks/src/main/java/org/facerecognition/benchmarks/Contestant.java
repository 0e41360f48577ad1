package org.facerecognition.benchmarks;

/** One side of a comparison. */
interface Contestant extends AutoCloseable {
    String name();

    /** Does so many steps of 16 images and returns images per second. */
    double imagesPerSecond(int steps);

    @Override
    void close();
}
