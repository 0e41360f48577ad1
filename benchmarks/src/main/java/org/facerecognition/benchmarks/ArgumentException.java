package org.facerecognition.benchmarks;

/** A mistake in the arguments of a benchmark, said in one sentence. */
final class ArgumentException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    ArgumentException(String message) {
        super(message);
    }
}
