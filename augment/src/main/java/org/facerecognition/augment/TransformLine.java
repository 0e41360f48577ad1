package org.facerecognition.augment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Parses transforms from a line as one would write it in Python, which is also what they print: {@code Grayscale(3),
 * ColorJitter(brightness=0.5, hue=0.3)}. Names and parameters are torchvision's; parameters may be positional or named,
 * and numbers may be fractions, such as {@code 3/4}.
 */
public final class TransformLine {
    private static final int MAX_DEPTH = 100; // far above any use, far below what a thread's stack can hold

    private final String line;
    private int at;
    private int depth; // of the value that is being parsed

    private TransformLine(String line) {
        this.line = line;
    }

    /**
     * Returns the transforms of a line, in order; none for a blank line.
     *
     * @param line comma-separated transforms
     * @throws IllegalArgumentException if the line cannot be parsed; the message says what was expected and where, and
     *     suggests the most similar name for an unknown one
     */
    public static List<Transform> parse(String line) {
        TransformLine parser = new TransformLine(line);
        List<Transform> transforms = new ArrayList<>();
        parser.skipBlanks();
        while (parser.at < line.length()) {
            transforms.add(parser.transform());
            if (!parser.accept(',') && parser.at < line.length()) {
                throw parser.error("a comma was expected between transforms", parser.at);
            }
        }
        return transforms;
    }

    /** A name used as a value, such as {@code bilinear}. */
    record Word(String text) {}

    /** Parses {@code Name(...)}, or {@code Name} with all parameters at their defaults. */
    private Transform transform() {
        int start = at;
        return transform(name(), start);
    }

    private Transform transform(String name, int start) {
        TransformNames.Entry entry = TransformNames.find(name)
                .orElseThrow(() -> error(
                        "there is no transform \"" + name + "\"; did you mean " + TransformNames.nearest(name) + "?",
                        start));
        List<Object> positional = new ArrayList<>();
        Map<String, Object> named = new LinkedHashMap<>();
        if (accept('(')) {
            while (!accept(')')) {
                argument(positional, named);
                if (!accept(',') && (at >= line.length() || line.charAt(at) != ')')) {
                    throw error("a comma or a closing parenthesis was expected", at);
                }
            }
        }
        try {
            return entry.make(positional, named);
        } catch (IllegalArgumentException e) {
            throw error(name + ": " + e.getMessage(), start);
        }
    }

    private void argument(List<Object> positional, Map<String, Object> named) {
        int start = at;
        Object value = value();
        if (value instanceof Word word && accept('=')) {
            if (named.put(word.text(), value()) != null) {
                throw error("\"" + word.text() + "\" is given twice", start);
            }
        } else if (!named.isEmpty()) {
            throw error("a positional parameter must not follow a named one", start);
        } else {
            positional.add(value);
        }
    }

    private Object value() {
        if (depth == MAX_DEPTH) {
            throw error("transforms and lists must be nested at most " + MAX_DEPTH + " deep", at);
        }
        depth++;
        Object value = valueWithin();
        depth--;
        return value;
    }

    /** Parses a number, a list in parentheses or brackets, a transform, or a word. */
    private Object valueWithin() {
        int start = at;
        if (accept('(') || accept('[')) {
            char end = line.charAt(start) == '(' ? ')' : ']';
            List<Object> values = new ArrayList<>();
            while (!accept(end)) {
                values.add(value());
                if (!accept(',') && (at >= line.length() || line.charAt(at) != end)) {
                    throw error("a comma or \"" + end + "\" was expected", at);
                }
            }
            return values;
        }
        if (at < line.length() && "+-.0123456789".indexOf(line.charAt(at)) >= 0) {
            return numberOrFraction();
        }
        String name = name();
        boolean isTransform = at < line.length() && line.charAt(at) == '('
                || TransformNames.find(name).isPresent();
        return isTransform ? transform(name, start) : new Word(name);
    }

    private Double numberOrFraction() {
        int start = at;
        double number = number();
        if (accept('/')) {
            number /= number();
        }
        if (!Double.isFinite(number)) {
            throw error("\"" + line.substring(start, at).strip() + "\" is not a finite number", start);
        }
        return number;
    }

    private double number() {
        int start = at;
        while (at < line.length() && "+-.0123456789eE".indexOf(line.charAt(at)) >= 0) {
            at++;
        }
        try {
            double number = Double.parseDouble(line.substring(start, at));
            skipBlanks();
            return number;
        } catch (NumberFormatException e) {
            throw error("\"" + line.substring(start, at) + "\" is not a number", start);
        }
    }

    private String name() {
        int start = at;
        while (at < line.length() && (Character.isLetterOrDigit(line.charAt(at)) || line.charAt(at) == '_')) {
            at++;
        }
        if (at == start) {
            throw error(
                    at < line.length() ? "\"" + line.charAt(at) + "\" was not expected" : "the line ends too early",
                    at);
        }
        String name = line.substring(start, at);
        skipBlanks();
        return name;
    }

    private boolean accept(char expected) {
        if (at < line.length() && line.charAt(at) == expected) {
            at++;
            skipBlanks();
            return true;
        }
        return false;
    }

    private void skipBlanks() {
        while (at < line.length() && Character.isWhitespace(line.charAt(at))) {
            at++;
        }
    }

    private IllegalArgumentException error(String problem, int position) {
        return new IllegalArgumentException("augmentations: " + problem + ", at character " + (position + 1) + " of\n  "
                + line + "\n  " + " ".repeat(position) + "^");
    }
}
