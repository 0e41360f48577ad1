package org.facerecognition.data;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.facerecognition.data.FacePairs.Pair;

/** Reads lists of pairs from text files. */
final class PairLists {
    private static final Pattern COUNT = Pattern.compile("\\d{1,9}");

    private PairLists() {}

    static FacePairs lfw(Path list, Path images) {
        List<String> lines = TextLines.read(list, "list of pairs");
        List<Pair> pairs = new ArrayList<>();
        long expected = -1;
        for (int i = 0; i < lines.size(); i++) {
            String[] words = lines.get(i).trim().split("\\s+");
            if (i == 0 && isHeader(words)) {
                expected = 2 * Long.parseLong(words[0]) * (words.length == 2 ? Long.parseLong(words[1]) : 1);
            } else if (words.length == 3 && isCount(words[1]) && isCount(words[2])) {
                pairs.add(new Pair(lfw(images, words[0], words[1]), lfw(images, words[0], words[2]), true));
            } else if (words.length == 4 && isCount(words[1]) && isCount(words[3])) {
                pairs.add(new Pair(lfw(images, words[0], words[1]), lfw(images, words[2], words[3]), false));
            } else if (!lines.get(i).isBlank()) {
                throw new DataException(list + ", line " + (i + 1) + " must be \"name number number\" or \"name number"
                        + " name number\", but was \"" + lines.get(i) + "\"");
            }
        }
        if (expected >= 0 && expected != pairs.size()) {
            throw new DataException(list + " must have " + expected + " pairs, as its first line says, but has "
                    + pairs.size() + "; download it again");
        }
        return checked(list, pairs);
    }

    /** Returns the number of sets that the first line of an LFW list names before the pairs of each kind, or else 1. */
    static int lfwSets(Path list) {
        String[] words = TextLines.read(list, "list of pairs").stream()
                .findFirst()
                .orElse("")
                .trim()
                .split("\\s+");
        return words.length == 2 && isHeader(words) ? Integer.parseInt(words[0]) : 1;
    }

    private static boolean isHeader(String[] words) {
        return words.length <= 2 && isCount(words[0]) && isCount(words[words.length - 1]);
    }

    private static boolean isCount(String word) {
        return COUNT.matcher(word).matches();
    }

    private static ImageSource lfw(Path images, String name, String number) {
        String path = String.format(Locale.ROOT, "%s/%s_%04d", name, name, Integer.parseInt(number));
        FileImage jpg = image(images, path + ".jpg");
        FileImage png = image(images, path + ".png");
        return !exists(jpg) && exists(png) ? png : jpg;
    }

    static FacePairs list(Path list, Path images) {
        List<String> lines = TextLines.read(list, "list of pairs");
        List<Pair> pairs = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            String[] parts = line.strip().split("\t");
            if (parts.length != 3 || !(parts[2].equals("0") || parts[2].equals("1"))) {
                throw new DataException(list + ", line " + (i + 1)
                        + " must be \"image<TAB>image<TAB>1\" for one person, or 0 for two, but was \"" + line + "\"");
            }
            pairs.add(new Pair(image(images, parts[0]), image(images, parts[1]), parts[2].equals("1")));
        }
        return checked(list, pairs);
    }

    private static boolean exists(FileImage image) {
        return Files.exists(image.root().resolve(image.path()));
    }

    private static FileImage image(Path images, String path) {
        try {
            images.resolve(path);
        } catch (InvalidPathException e) {
            throw new DataException(
                    "a list of pairs must name files, but \"" + path + "\" cannot be one: " + e.getReason(), e);
        }
        return new FileImage(images, path);
    }

    /** Reports missing images, and how many there are, immediately rather than after minutes of embedding others. */
    private static FacePairs checked(Path list, List<Pair> pairs) {
        if (pairs.isEmpty()) {
            throw new DataException(list + " must have pairs, but has none");
        }
        List<FileImage> missing = pairs.stream()
                .flatMap(pair -> List.of((FileImage) pair.first(), (FileImage) pair.second()).stream())
                .distinct()
                .filter(image -> !exists(image))
                .toList();
        if (!missing.isEmpty()) {
            throw new DataException("image " + missing.get(0).path() + ", named in " + list + ", is missing from "
                    + missing.get(0).root() + ", and so are " + (missing.size() - 1)
                    + " more; give the folder of the images");
        }
        return new FacePairs(pairs);
    }
}
