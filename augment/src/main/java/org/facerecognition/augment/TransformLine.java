package org.facerecognition.augment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads transforms from the line that one would write in Python, and that they print themselves as: {@code Grayscale(3),
 * ColorJitter(brightness=.5, hue=.3)}. Names and parameters are torchvision's; a parameter may be given by place or by
 * name.
 */
public final class TransformLine {
    private final String line;
    private int at;

    private TransformLine(String line) {
        this.line = line;
    }

    /**
     * The transforms of a line, in its order; none of a blank one.
     *
     * @throws IllegalArgumentException when the line cannot be understood: what was expected, where, and which known name is
     *     nearest
     */
    public static List<Transform> parse(String line) {
        TransformLine reader = new TransformLine(line);
        List<Transform> transforms = new ArrayList<>();
        reader.skipBlanks();
        while (reader.at < line.length()) {
            transforms.add(reader.transform());
            if (!reader.taken(',') && reader.at < line.length()) {
                throw reader.wrong("a comma was expected between transforms", reader.at);
            }
        }
        return transforms;
    }

    /** A name as a value: {@code bilinear}. */
    record Word(String text) {}

    /** {@code Name(...)}, or {@code Name} for all defaults. */
    private Transform transform() {
        int start = at;
        return transform(name(), start);
    }

    private Transform transform(String name, int start) {
        TransformNames.Entry entry = TransformNames.find(name)
                .orElseThrow(() -> wrong(
                        "there is no transform \"" + name + "\"; did you mean " + TransformNames.nearest(name) + "?",
                        start));
        List<Object> byPlace = new ArrayList<>();
        Map<String, Object> byName = new LinkedHashMap<>();
        if (taken('(')) {
            while (!taken(')')) {
                argument(byPlace, byName);
                if (!taken(',') && (at >= line.length() || line.charAt(at) != ')')) {
                    throw wrong("a comma or a closing parenthesis was expected", at);
                }
            }
        }
        try {
            return entry.make(byPlace, byName);
        } catch (IllegalArgumentException e) {
            throw wrong(name + ": " + e.getMessage(), start);
        }
    }

    private void argument(List<Object> byPlace, Map<String, Object> byName) {
        int start = at;
        Object value = value();
        if (value instanceof Word word && taken('=')) {
            if (byName.put(word.text(), value()) != null) {
                throw wrong("\"" + word.text() + "\" is given twice", start);
            }
        } else if (!byName.isEmpty()) {
            throw wrong("a parameter without its name must not follow one with", start);
        } else {
            byPlace.add(value);
        }
    }

    /** A number, a list in either bracket, a transform, or a word. */
    private Object value() {
        int start = at;
        if (taken('(') || taken('[')) {
            char end = line.charAt(start) == '(' ? ')' : ']';
            List<Object> values = new ArrayList<>();
            while (!taken(end)) {
                values.add(value());
                if (!taken(',') && (at >= line.length() || line.charAt(at) != end)) {
                    throw wrong("a comma or \"" + end + "\" was expected", at);
                }
            }
            return values;
        }
        if (at < line.length() && "+-.0123456789".indexOf(line.charAt(at)) >= 0) {
            return number();
        }
        String name = name();
        boolean isTransform = at < line.length() && line.charAt(at) == '('
                || TransformNames.find(name).isPresent();
        return isTransform ? transform(name, start) : new Word(name);
    }

    private Double number() {
        int start = at;
        while (at < line.length() && "+-.0123456789eE".indexOf(line.charAt(at)) >= 0) {
            at++;
        }
        try {
            double number = Double.parseDouble(line.substring(start, at));
            skipBlanks();
            return number;
        } catch (NumberFormatException e) {
            throw wrong("\"" + line.substring(start, at) + "\" is no number", start);
        }
    }

    private String name() {
        int start = at;
        while (at < line.length() && (Character.isLetterOrDigit(line.charAt(at)) || line.charAt(at) == '_')) {
            at++;
        }
        if (at == start) {
            throw wrong(
                    at < line.length() ? "\"" + line.charAt(at) + "\" was not expected" : "the line ends too early",
                    at);
        }
        String name = line.substring(start, at);
        skipBlanks();
        return name;
    }

    private boolean taken(char expected) {
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

    private IllegalArgumentException wrong(String what, int place) {
        return new IllegalArgumentException("augmentations: " + what + ", at character " + (place + 1) + " of\n  "
                + line + "\n  " + " ".repeat(place) + "^");
    }
}
