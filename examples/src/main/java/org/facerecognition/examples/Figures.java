package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Results for people and for scripts without a JSON parser: lines {@code name: value} on standard output. */
final class Figures {
    private static final String NOT_MEASURED = "not measured";

    private Figures() {}

    /** One line for each figure, in their order; null is one that this data cannot give. */
    static void print(PrintWriter out, Map<String, ? extends @Nullable Object> figures) {
        figures.forEach((name, value) -> out.println(name + ": " + text(value)));
        out.flush();
    }

    private static String text(@Nullable Object value) {
        if (value == null) {
            return NOT_MEASURED;
        }
        return value instanceof Double number ? String.format(Locale.ROOT, "%.4f", number) : value.toString();
    }
}
