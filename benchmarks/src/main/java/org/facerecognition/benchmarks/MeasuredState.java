package org.facerecognition.benchmarks;

import java.io.IOException;
import java.nio.file.Path;

/**
 * What {@link AllBenchmarks} measures, which must stay the same for hours.
 *
 * @param commit as {@link Environment#commit}
 * @param build as {@link Build#stamp}
 */
record MeasuredState(String commit, String build) {
    static MeasuredState now(Path root) throws IOException, InterruptedException {
        return new MeasuredState(Environment.commit(), Build.stamp(root));
    }

    /**
     * Compares this state, that of the start, with another one.
     *
     * @param run that is not measured, or not kept
     * @throws IOException when commit or build have changed
     */
    void requireSame(MeasuredState now, String run) throws IOException {
        if (!commit.equals(now.commit)) {
            throw new IOException(String.format(
                    "commit %s was checked out when the measurements began, but now it is %s, so %s is not kept; check"
                            + " out %s, build it, and run the same command again",
                    commit, now.commit, run, commit));
        }
        if (!build.equals(now.build)) {
            throw new IOException(String.format(
                    "the program was built again after the measurements began, so %s is not kept; run the same command"
                            + " again",
                    run));
        }
    }
}
