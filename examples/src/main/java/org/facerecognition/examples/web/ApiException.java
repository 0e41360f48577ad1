package org.facerecognition.examples.web;

/** A request that is not done, for a reason that its sender can do something about: a status and one sentence. */
final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;

    ApiException(int status, String sentence) {
        super(sentence, null, false, false); // nobody looks at its stack
        this.status = status;
    }

    int status() {
        return status;
    }
}
