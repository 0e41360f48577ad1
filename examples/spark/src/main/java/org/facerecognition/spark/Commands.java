package org.facerecognition.spark;

import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.spark.SparkException;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.SparkSession;
import org.facerecognition.data.DataException;
import org.facerecognition.gallery.GalleryException;
import org.facerecognition.vision.DetectorException;
import org.facerecognition.weights.WeightsException;
import picocli.CommandLine;

/** Runs the main classes: an error is one sentence, and what is not expected has its stack trace as well. */
final class Commands {
    private static final int FAILED = 1;
    private static final int USED_WRONGLY = 2;

    private Commands() {}

    static CommandLine line(Callable<Integer> command) {
        return new CommandLine(command)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((error, line, parsed) -> {
                    line.getErr().println("error: " + sentence(error));
                    if (!isExpected(error)) {
                        error.printStackTrace(line.getErr());
                    }
                    return error instanceof IllegalArgumentException ? USED_WRONGLY : FAILED;
                });
    }

    /** Runs a command and returns its exit code. */
    static int execute(CommandLine line, String... args) {
        try {
            return line.execute(args);
        } catch (OutOfMemoryError e) { // which picocli passes on
            line.getErr()
                    .println("error: the driver's memory ran out (" + e.getMessage()
                            + "); give it more with --driver-memory");
            return FAILED;
        }
    }

    /** Runs a command, stops Spark, and ends the process if the command failed. */
    static void run(Callable<Integer> command, String[] args) {
        int code;
        try {
            code = execute(line(command), args);
        } finally {
            SparkSession.getDefaultSession().foreach(session -> {
                session.stop();
                return null;
            });
        }
        if (code != 0) {
            System.exit(code);
        }
    }

    /** Spark wraps what happened in a task, and logs where. */
    private static String sentence(Exception error) {
        Throwable cause = error;
        while (cause instanceof SparkException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        String sentence = Optional.ofNullable(cause.getMessage())
                .flatMap(message -> message.lines().findFirst())
                .orElse(error.toString());
        return missingClass(error)
                .map(missing -> missing.getMessage() + "; add the library that has it with --packages, such as"
                        + " org.apache.hadoop:hadoop-aws for s3a")
                .orElse(sentence);
    }

    /** Returns what a file system is not found by whose library is not on the class path. */
    private static Optional<Throwable> missingClass(Throwable error) {
        return Stream.iterate(error, Objects::nonNull, Throwable::getCause)
                .filter(ClassNotFoundException.class::isInstance)
                .findFirst();
    }

    private static boolean isExpected(Exception error) {
        return error instanceof IllegalArgumentException
                || error instanceof IllegalStateException // such as a model that is not calibrated for int8
                || error instanceof UncheckedIOException
                || error instanceof DataException
                || error instanceof WeightsException
                || error instanceof DetectorException
                || error instanceof GalleryException
                || error instanceof SparkException
                || missingClass(error).isPresent()
                || error instanceof AnalysisException;
    }
}
