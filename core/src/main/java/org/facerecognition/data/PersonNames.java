package org.facerecognition.data;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** Finds names that people take for one name, such as those of two folders of one person. */
public final class PersonNames {
    private static final Pattern PLAIN = Pattern.compile("[0-9a-z_-]*"); // whose key is itself
    private static final Pattern SPACES = Pattern.compile("\\s+");

    /** Two names that differ only in case, spaces or Unicode form. */
    public record Alike(String name, String other) {
        @Override
        public String toString() {
            return "\"" + name + "\" and \"" + other + "\"";
        }
    }

    private PersonNames() {}

    /** Returns what all spellings of a name have in common: it does not depend on case, spaces and Unicode form. */
    public static String key(String name) {
        if (PLAIN.matcher(name).matches()) {
            return name;
        }
        String composed = Normalizer.normalize(name, Normalizer.Form.NFKC).strip();
        return SPACES.matcher(composed).replaceAll(" ").toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
    }

    /** Returns the names that are spelled like an earlier one, each with that one, in their order. */
    public static List<Alike> alike(Iterable<String> names) {
        Map<String, String> spellings = new HashMap<>();
        List<Alike> alike = new ArrayList<>();
        for (String name : names) {
            String earlier = spellings.putIfAbsent(key(name), name);
            if (earlier != null) {
                alike.add(new Alike(earlier, name));
            }
        }
        return alike;
    }
}
