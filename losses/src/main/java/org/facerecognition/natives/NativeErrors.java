package org.facerecognition.natives;

import java.util.function.Supplier;

/** Makes libtorch's errors fit for people: their first line says what is wrong, the rest is a C++ stack trace. */
public final class NativeErrors {
    private NativeErrors() {}

    public static <T> T explained(Supplier<T> work) {
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

    /**
     * A native library that could not be loaded in the middle of some work.
     *
     * @param lastKept what is safe, to be put at the end of the sentence; or nothing
     */
    public static IllegalStateException ofLibraries(LinkageError e, String lastKept) {
        return new IllegalStateException(
                "a native library cannot be loaded any more; JavaCPP keeps them in its cache folder, which must stay"
                        + " there and have room (-Dorg.bytedeco.javacpp.cachedir=DIR names another)" + lastKept,
                e);
    }
}
