package org.facerecognition.examples.web;

/** Rejects a request for a reason that its sender can fix: carries the HTTP status and one sentence for the sender. */
final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;

    ApiException(int status, String message) {
        super(message, null, false, false); // no stack trace: it is never printed
        this.status = status;
    }

    int status() {
        return status;
    }
}
