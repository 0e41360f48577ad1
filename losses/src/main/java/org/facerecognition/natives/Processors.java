package org.facerecognition.natives;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * The number of processors that this library computes with: the value of the system property {@value #PROPERTY}, else
 * of the environment variable {@code OMP_NUM_THREADS}, else the number of processors that the JVM may use, which
 * follows a container's quota and {@code -XX:ActiveProcessorCount}.
 */
public final class Processors {
    /** The system property that bounds the number of threads that compute, in whichever library. */
    public static final String PROPERTY = "facerecognition.threads";

    private Processors() {}

    /**
     * Returns the number, at least 1.
     *
     * @throws IllegalArgumentException if the property is not a whole number of at least 1
     */
    public static int count() {
        OptionalInt given = given();
        return given.isPresent() ? given.getAsInt() : Runtime.getRuntime().availableProcessors();
    }

    /**
     * Returns the number that the property or the environment variable gives; empty if neither does.
     *
     * @throws IllegalArgumentException if the property is not a whole number of at least 1
     */
    public static OptionalInt given() {
        String property = System.getProperty(PROPERTY);
        if (property != null) {
            return OptionalInt.of(parse(property)
                    .orElseThrow(() -> new IllegalArgumentException(
                            PROPERTY + " must be a whole number of at least 1, but was " + property)));
        }
        String variable = System.getenv("OMP_NUM_THREADS"); // a number for each level of nesting
        return variable == null ? OptionalInt.empty() : parse(variable.split(",", 2)[0]);
    }

    /**
     * Returns whether the number has a bound: a given one, one of the JVM that is below the machine's number of
     * processors, such as {@code -XX:ActiveProcessorCount} or a set of processors, or a container's quota of processor
     * time, also one that the JVM rounds up to the machine's number.
     *
     * @throws IllegalArgumentException if the property is not a whole number of at least 1
     */
    public static boolean areBounded() {
        return areBounded(Path.of("/"));
    }

    /** @param root of the file system */
    static boolean areBounded(Path root) {
        return given().isPresent()
                || Runtime.getRuntime().availableProcessors() < ofMachine()
                || Uninterrupted.get(() -> CpuQuota.isSet(root, ofMachine()));
    }

    /** Returns the number of processors of the machine where Linux tells it, else of the JVM. */
    static long ofMachine() {
        return Uninterrupted.get(Processors::listed);
    }

    private static long listed() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/stat"))) {
            return lines.filter(line -> line.matches("cpu\\d+ .*")).count();
        } catch (IOException | UncheckedIOException | SecurityException e) {
            return Runtime.getRuntime().availableProcessors(); // not Linux
        }
    }

    private static OptionalInt parse(String text) {
        try {
            int number = Integer.parseInt(text.strip());
            return number < 1 ? OptionalInt.empty() : OptionalInt.of(number);
        } catch (NumberFormatException e) {
            return OptionalInt.empty();
        }
    }
}
