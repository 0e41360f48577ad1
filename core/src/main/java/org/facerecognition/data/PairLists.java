package org.facerecognition.data;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.facerecognition.data.FacePairs.Pair;

/**
 * Reads lists of pairs from text files. A pair of an image with itself, and a pair that is said to be of one person and
 * of two, are rejected: they would change the figures. Pairs that are listed twice stay, since published lists may have
 * them; {@link RepeatedPairs} counts them.
 */
final class PairLists {
    private static final Pattern COUNT = Pattern.compile("\\d{1,9}");

    /** A pair and the number of its line, from 1. */
    private record Line(int number, Pair pair) {}

    private PairLists() {}

    static FacePairs lfw(Path list, Path images) {
        List<String> lines = TextLines.read(list, "list of pairs");
        List<Line> pairs = new ArrayList<>();
        long expected = -1;
        for (int i = 0; i < lines.size(); i++) {
            String[] words = lines.get(i).trim().split("\\s+");
            if (i == 0 && isHeader(words)) {
                expected = 2 * Long.parseLong(words[0]) * (words.length == 2 ? Long.parseLong(words[1]) : 1);
            } else if (words.length == 3 && isCount(words[1]) && isCount(words[2])) {
                pairs.add(line(list, i, lfw(images, words[0], words[1]), lfw(images, words[0], words[2]), true));
            } else if (words.length == 4 && isCount(words[1]) && isCount(words[3])) {
                requireTwoPeople(list, i, words);
                pairs.add(line(list, i, lfw(images, words[0], words[1]), lfw(images, words[2], words[3]), false));
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

    private static void requireTwoPeople(Path list, int index, String[] words) {
        if (words[0].equals(words[2])) {
            throw new DataException(list + ", line " + (index + 1) + " must name two people, but names " + words[0]
                    + " twice; write \"" + words[0] + " " + words[1] + " " + words[3]
                    + "\" for two images of one person, or correct a name");
        }
    }

    private static FileImage lfw(Path images, String name, String number) {
        String path = String.format(Locale.ROOT, "%s/%s_%04d", name, name, Integer.parseInt(number));
        FileImage jpg = image(images, path + ".jpg");
        FileImage png = image(images, path + ".png");
        return !exists(jpg) && exists(png) ? png : jpg;
    }

    static FacePairs list(Path list, Path images) {
        List<String> lines = TextLines.read(list, "list of pairs");
        List<Line> pairs = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            String[] parts = line.strip().split("\t");
            boolean isPair = parts.length == 3 && (parts[2].equals("0") || parts[2].equals("1"));
            boolean isComment = line.startsWith("#") && !(isPair && exists(image(images, parts[0])));
            if (line.isBlank() || isComment) { // a folder's name may begin with #, too
                continue;
            }
            if (!isPair) {
                throw new DataException(list + ", line " + (i + 1)
                        + " must be \"image<TAB>image<TAB>1\" for one person, or 0 for two, but was \"" + line + "\"");
            }
            pairs.add(line(list, i, image(images, parts[0]), image(images, parts[1]), parts[2].equals("1")));
        }
        return checked(list, pairs);
    }

    private static boolean exists(FileImage image) {
        return Files.exists(image.root().resolve(image.path()));
    }

    /** Returns an image by its normalized path, so that {@code a.jpg} and {@code ./a.jpg} are one image. */
    private static FileImage image(Path images, String path) {
        try {
            Path root = images.toAbsolutePath().normalize();
            Path file = root.resolve(path).normalize();
            Path name = file.startsWith(root) && !file.equals(root)
                    ? root.relativize(file)
                    : Path.of(path).normalize();
            return new FileImage(images, name.toString());
        } catch (InvalidPathException e) {
            throw new DataException(
                    "a list of pairs must name files, but \"" + path + "\" cannot be one: " + e.getReason(), e);
        }
    }

    private static Line line(Path list, int index, FileImage first, FileImage second, boolean same) {
        if (first.equals(second)) {
            throw new DataException(list + ", line " + (index + 1) + " must name two images, but names " + first.path()
                    + " twice; leave the line out, or name another image");
        }
        return new Line(index + 1, new Pair(first, second, same));
    }

    /** Reports missing images, and how many there are, immediately rather than after minutes of embedding others. */
    private static FacePairs checked(Path list, List<Line> lines) {
        if (lines.isEmpty()) {
            throw new DataException(list + " must have pairs, but has none");
        }
        List<Pair> pairs = lines.stream().map(Line::pair).toList();
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
        requireNoContradiction(list, lines);
        return new FacePairs(pairs);
    }

    private static void requireNoContradiction(Path list, List<Line> lines) {
        Map<RepeatedPairs.Key, Line> seen = new HashMap<>();
        for (Line line : lines) {
            Line former = seen.putIfAbsent(RepeatedPairs.Key.of(line.pair()), line);
            if (former != null && former.pair().same() != line.pair().same()) {
                throw new DataException(list + ", lines " + former.number() + " and " + line.number()
                        + " must agree whether " + line.pair().first().name() + " and "
                        + line.pair().second().name()
                        + " show one person, but one line says so and the other does not; correct one of them");
            }
        }
    }
}
