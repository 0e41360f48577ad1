package org.facerecognition.benchmarks;

/** A program that keeps one processor busy until its parent process ends: the neighbor of a benchmark. */
final class BusyLoop {
    private static final long CHECK_NANOS = 1_000_000_000L;

    private BusyLoop() {}

    /** Takes no arguments. */
    public static void main(String[] args) {
        ProcessHandle parent = ProcessHandle.current().parent().orElseThrow();
        double sum = 0;
        while (parent.isAlive()) {
            for (long end = System.nanoTime() + CHECK_NANOS; System.nanoTime() < end; ) {
                for (int i = 1; i < 1_000_000; i++) {
                    sum += 1.0 / i;
                }
            }
        }
        System.out.println(sum); // so that the loop is not optimized away
    }
}
