package org.facerecognition;

import java.util.function.Supplier;

/** Makes libtorch's errors fit for people: their first line says what is wrong, the rest is a C++ stack trace. */
final class NativeErrors {
    private NativeErrors() {}

    static <T> T explained(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            if (e.getClass() != RuntimeException.class) { // JavaCPP throws just this for a C++ exception
                throw e;
            }
            String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
            throw new IllegalStateException("libtorch could not do it: " + reason, e);
        }
    }
}
