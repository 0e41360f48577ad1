package org.facerecognition.data;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.facerecognition.io.AtomicFile;

/** Lists data sets in the CelebA-500 layout: a folder of images, a file of identities and a file of splits. */
final class CelebaLayout {
    private static final String IMAGES = "celebA_imgs";
    private static final String IDENTITIES = "celebA_anno.txt";
    private static final String SPLITS = "celebA_train_split.txt";
    private static final int MAX_IDENTITIES = 10_000_000; // a typing error in the file must not exhaust the heap

    private CelebaLayout() {}

    static FaceDataset read(Path root, Split split) {
        Path images = root.resolve(IMAGES);
        if (!Files.isDirectory(root)) {
            throw new DataException("data folder " + root.toAbsolutePath() + " does not exist; give the folder that"
                    + " holds " + IMAGES + ", " + IDENTITIES + " and " + SPLITS);
        }
        Map<String, Integer> labels = numbers(root.resolve(IDENTITIES), MAX_IDENTITIES);
        Map<String, Integer> splits = numbers(root.resolve(SPLITS), Split.values().length);
        Set<String> present = names(images);
        FileImageList chosen = new FileImageList(images);
        for (Map.Entry<String, Integer> line : splits.entrySet()) {
            String file = line.getKey();
            if (!present.contains(file)) {
                throw new DataException("image " + file + ", named in " + root.resolve(SPLITS) + ", is missing from "
                        + images + "; restore it or remove its line");
            }
            Integer label = labels.get(file);
            if (label == null) {
                throw new DataException("image " + file + ", named in " + root.resolve(SPLITS) + ", has no identity in "
                        + root.resolve(IDENTITIES) + "; add its line there");
            }
            if (line.getValue() == split.ordinal()) {
                chosen.add(file, label);
            }
        }
        List<LabeledImage> ofSplit = chosen.images();
        if (ofSplit.isEmpty()) {
            throw new NoImagesException("data folder " + root.toAbsolutePath() + " must have images of split " + split
                    + ", but " + SPLITS + " names none");
        }
        int classes = labels.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        List<String> identities =
                IntStream.range(0, classes).mapToObj(Integer::toString).toList();
        return FaceDataset.of(ofSplit, identities, split, Crop.CELEBA_CROP);
    }

    /** Reads lines {@code file number} in the file's order, with numbers in [0, limit). */
    private static Map<String, Integer> numbers(Path file, int limit) {
        List<String> lines = TextLines.read(file, "data file");
        Map<String, Integer> numbers = new LinkedHashMap<>();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).isBlank()) {
                continue;
            }
            String[] parts = lines.get(i).trim().split("\\s+");
            int number = parts.length == 2 ? parse(parts[1]) : -1;
            if (number < 0 || number >= limit) {
                throw new DataException(file + ", line " + (i + 1) + " must be \"file number\" with a number in [0, "
                        + limit + "), but was \"" + lines.get(i) + "\"");
            }
            if (numbers.put(parts[0], number) != null) {
                throw new DataException(file + ", line " + (i + 1) + " names " + parts[0] + " a second time");
            }
        }
        return numbers;
    }

    private static int parse(String number) {
        try {
            return Integer.parseInt(number);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private static Set<String> names(Path folder) {
        Set<String> names = new HashSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            files.forEach(file -> names.add(file.getFileName().toString()));
        } catch (DirectoryIteratorException e) {
            throw unreadable(folder, Objects.requireNonNull(e.getCause(), "it has one"));
        } catch (IOException e) {
            throw unreadable(folder, e);
        }
        return names;
    }

    private static DataException unreadable(Path folder, IOException e) {
        return new DataException("image folder " + folder + " must exist and be readable: " + AtomicFile.reason(e), e);
    }
}
