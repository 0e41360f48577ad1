package org.facerecognition.benchmarks;

import java.io.IOException;

/** A benchmark ended with an error, or what it measured does not count. */
final class FailedRun extends IOException {
    private static final long serialVersionUID = 1;

    FailedRun(String message) {
        super(message);
    }
}
