package org.facerecognition.benchmarks;

/** One of the implementations that a benchmark compares. */
interface Contestant extends AutoCloseable {
    String name();

    /** Runs a number of steps and returns images per second; the benchmark decides how many images a step has. */
    double imagesPerSecond(int steps);

    @Override
    void close();
}
