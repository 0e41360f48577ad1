package org.facerecognition.inference;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import org.facerecognition.natives.PlatformThreads;

/**
 * Whether other programs compete for the processors. A thread that computes without waiting for anything should be
 * running all the time, or, when there are more threads than processors, its share of it. What is missing went to
 * others.
 */
final class Contention {
    private static final double MEMORY_SECONDS = 0.5; // of computing, over which the lost time is averaged
    private static final double BEGINS = 0.15; // fraction of the time that is lost; a loop on one of two takes 0.33
    private static final double ENDS = 0.04; // also beside the further threads that contention permits

    private final ThreadMXBean clock = ManagementFactory.getThreadMXBean();
    private double lost;
    private volatile boolean present;

    /** Returns whether others take a part of the processors that matters. */
    boolean present() {
        return present;
    }

    /**
     * Runs some work that does not wait, and measures how much of the time the thread was running.
     *
     * @param processors the number of processors
     * @param threads the number of threads that compute, including this one
     */
    void measure(Runnable work, int processors, int threads) {
        if (!clock.isCurrentThreadCpuTimeSupported()
                || !clock.isThreadCpuTimeEnabled()
                || PlatformThreads.isVirtual()) {
            work.run();
            return;
        }
        long start = System.nanoTime();
        long running = clock.getCurrentThreadCpuTime();
        work.run();
        add(
                (clock.getCurrentThreadCpuTime() - running) / 1e9,
                (System.nanoTime() - start) / 1e9,
                Math.min(1, processors / (double) threads));
    }

    /**
     * Adds a measurement.
     *
     * @param running seconds that a thread was running
     * @param all seconds that passed
     * @param share the fraction that it could have been running without other programs
     */
    synchronized void add(double running, double all, double share) {
        if (all <= 0 || running < 0) {
            return;
        }
        // may be negative: some systems count running time in steps that are longer than the work
        lost += Math.min(1, all / MEMORY_SECONDS) * (1 - running / (all * share) - lost);
        present = lost > (present ? ENDS : BEGINS);
    }
}
