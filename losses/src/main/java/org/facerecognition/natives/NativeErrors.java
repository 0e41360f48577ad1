package org.facerecognition.natives;

import java.util.function.Supplier;

/** Turns errors of native libraries into exceptions with one readable sentence. */
public final class NativeErrors {
    private NativeErrors() {}

    /**
     * Runs work and shortens libtorch's errors. The first line of such an error says what is wrong, the rest is a C++
     * stack trace.
     *
     * @return the result of the work
     * @throws IllegalStateException if libtorch threw an error: its first line, with the error as the cause. All other
     *     exceptions are passed on unchanged
     */
    public static <T> T explained(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            if (e.getClass() != RuntimeException.class) { // JavaCPP throws exactly this class for a C++ exception
                throw e;
            }
            String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
            throw new IllegalStateException("libtorch failed: " + reason, e);
        }
    }

    /**
     * Returns an exception for a native library that could not be loaded during some work, because JavaCPP's cache
     * folder is gone or full.
     *
     * @param error the error of JavaCPP or the JVM, which becomes the cause
     * @param suffix the end of the sentence, which may say what has been saved; may be empty
     */
    public static IllegalStateException ofLibraries(LinkageError error, String suffix) {
        return new IllegalStateException(
                "a native library cannot be loaded any more; JavaCPP keeps them in its cache folder, which must stay"
                        + " there and have room (-Dorg.bytedeco.javacpp.cachedir=DIR names another)" + suffix,
                error);
    }
}
