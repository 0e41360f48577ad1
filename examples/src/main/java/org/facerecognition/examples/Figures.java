package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.Map;
import org.facerecognition.eval.EvaluationReport;
import org.jspecify.annotations.Nullable;

/** Prints results as lines {@code name: value}, for people and for scripts without a JSON parser. */
final class Figures {
    private static final String NOT_MEASURED = "not measured";

    private Figures() {}

    /** Prints one line per figure, in their order; null is a figure that could not be measured. */
    static void print(PrintWriter out, Map<String, ? extends @Nullable Object> figures) {
        figures.forEach((name, value) -> out.println(name + ": " + text(name, value)));
        out.flush();
    }

    private static String text(String name, @Nullable Object value) {
        if (value == null) {
            return NOT_MEASURED;
        }
        return value instanceof Double number ? EvaluationReport.text(name, number) : value.toString();
    }
}
