package org.facerecognition.benchmarks;

import java.util.Locale;
import org.facerecognition.TrainerArgs;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Precision;

/**
 * What all contestants of the training benchmark share.
 *
 * @param batch images in a step
 */
record TrainingSetup(ComputeDevice device, int batch) {
    /** Loader threads: the default on a CPU, which trains itself, and all processors but one beside a GPU. */
    int loaderThreads() {
        return device == ComputeDevice.CUDA
                ? Math.max(1, Runtime.getRuntime().availableProcessors() - 1)
                : TrainerArgs.builder().build().loading().loaderThreads();
    }

    /** Returns {@code fp32} or {@code bf16}. */
    static String name(Precision precision) {
        return precision.name().toLowerCase(Locale.ROOT);
    }

    /** The first argument of Python's script. */
    String pythonDevice() {
        return device == ComputeDevice.CUDA ? "cuda" : "cpu";
    }
}
