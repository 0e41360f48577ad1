package org.facerecognition.natives;

import java.util.Locale;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Turns errors of native libraries into exceptions with one readable sentence. */
public final class NativeErrors {
    private static final Pattern OPENCV_PLACE = Pattern.compile("^OpenCV\\([^)]*\\) \\S+ error: \\([^)]*\\) ");

    private static final Pattern ONEDNN = Pattern.compile("^could not (create|execute|get|set|unmap|map|wait)\\b");

    /** Of libtorch's allocators on CPUs and GPUs, of oneDNN, of CUDA's libraries, such as cuBLAS, and of C++. */
    private static final Pattern OF_MEMORY = Pattern.compile(
            "DefaultCPUAllocator|out of memory|^could not create a memory object|_ALLOC_FAILED|bad_alloc");

    private static final Pattern BYTES = Pattern.compile("tried to allocate (\\d+) bytes");

    private NativeErrors() {}

    /**
     * Runs work and shortens libtorch's and oneDNN's errors. The first line of such an error says what is wrong, the
     * rest is a C++ stack trace.
     *
     * @return the result of the work
     * @throws IllegalStateException if one of them threw an error: its first line, or that there is too little memory,
     *     with the error as the cause. All other exceptions are passed on unchanged
     */
    public static <T> T explained(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            if (e.getClass() != RuntimeException.class) { // JavaCPP throws exactly this class for a C++ exception
                throw e;
            }
            String library = ONEDNN.matcher(reason(e)).find() ? "oneDNN" : "libtorch";
            throw new IllegalStateException(
                    isOfMemory(e) ? tooLittleMemory(reason(e)) : library + " failed: " + reason(e), e);
        }
    }

    /** Returns whether an error of libtorch or oneDNN, or what explains it, is about too little memory. */
    public static boolean isOfMemory(RuntimeException error) {
        RuntimeException first = error.getCause() instanceof RuntimeException cause ? cause : error;
        return OF_MEMORY.matcher(reason(first)).find();
    }

    private static String tooLittleMemory(String reason) {
        Matcher bytes = BYTES.matcher(reason);
        return bytes.find()
                ? String.format(
                        Locale.ROOT,
                        "there is too little memory for a tensor of %,.0f MiB",
                        Double.parseDouble(bytes.group(1)) / (1 << 20))
                : "there is too little memory: " + reason; // on a GPU, whose sentence has all
    }

    /**
     * Returns what an error of libtorch or OpenCV says is wrong: its first line, without the place in OpenCV's sources
     * and OpenCV's number of the error.
     */
    public static String reason(RuntimeException error) {
        String message = error.getMessage() == null ? "" : error.getMessage();
        String line = message.lines().findFirst().orElse("no reason given");
        return OPENCV_PLACE.matcher(line).replaceFirst("");
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
