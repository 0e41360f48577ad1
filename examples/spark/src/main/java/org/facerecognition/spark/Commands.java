package org.facerecognition.spark;

import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.Callable;
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

    /** Runs a command, stops Spark, and ends the process if the command failed. */
    static void run(Callable<Integer> command, String[] args) {
        int code;
        try {
            code = line(command).execute(args);
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
        return Optional.ofNullable(cause.getMessage())
                .flatMap(message -> message.lines().findFirst())
                .orElse(error.toString());
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
                || error instanceof AnalysisException;
    }
}
