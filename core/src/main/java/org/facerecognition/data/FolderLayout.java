package org.facerecognition.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Reads folders {@code root/identity/image} and splits each identity's images. */
final class FolderLayout {
    private static final Set<String> ENDINGS = Set.of("jpg", "jpeg", "png", "bmp", "webp", "pgm", "ppm", "tif", "tiff");

    private FolderLayout() {}

    record Fractions(double val, double test) {
        Fractions {
            if (!(val >= 0 && test >= 0 && val + test < 1)) {
                throw new IllegalArgumentException(
                        "fractions must be at least 0 and together below 1, but were val " + val + " and test " + test);
            }
        }

        /** How many of {@code images} go to {@code fraction}: rounded, and at least one when there is any share. */
        private static int count(int images, double fraction) {
            return fraction == 0 ? 0 : Math.max(1, (int) Math.round(images * fraction));
        }

        /**
         * The images of one person that belong to {@code split}, in their order.
         *
         * @param where the person's images are, for messages
         * @param person makes the choice another one for each
         * @throws DataException when there are not enough for each part to have one
         */
        <T> List<T> part(List<T> images, String where, int person, Split split, long seed) {
            int val = count(images.size(), this.val);
            int test = count(images.size(), this.test);
            int train = images.size() - val - test;
            if (train < 1) {
                int needed = 1 + (this.val > 0 ? 1 : 0) + (this.test > 0 ? 1 : 0);
                throw new DataException(where + " must have at least " + needed
                        + " images, one for each part of the split, but has " + images.size()
                        + "; add pictures or take it out");
            }
            List<Integer> shuffled = new ArrayList<>();
            for (int i = 0; i < images.size(); i++) {
                shuffled.add(i);
            }
            Collections.shuffle(shuffled, new Random(seed * 31 + person));
            List<Integer> part = switch (split) {
                case TRAIN -> shuffled.subList(0, train);
                case VAL -> shuffled.subList(train, train + val);
                case TEST -> shuffled.subList(train + val, images.size());
            };
            return part.stream().sorted().map(images::get).toList();
        }
    }

    static FaceDataset read(Path root, Split split, Fractions fractions, long seed) {
        if (!Files.isDirectory(root)) {
            throw new DataException("data folder " + root.toAbsolutePath()
                    + " does not exist; give a folder with one folder of images per person");
        }
        List<Path> people = list(root, Files::isDirectory);
        if (people.isEmpty()) {
            throw new DataException(
                    "data folder " + root.toAbsolutePath() + " is empty: it must have one folder of images per person");
        }
        List<FaceDataset.Labelled> chosen = new ArrayList<>();
        List<String> identities = new ArrayList<>();
        for (Path person : people) {
            String name = person.getFileName().toString();
            List<Path> images = list(person, FolderLayout::isImage);
            for (Path image : fractions.part(images, "identity folder " + person, name.hashCode(), split, seed)) {
                FileImage file = new FileImage(root, name + "/" + image.getFileName());
                chosen.add(new FaceDataset.Labelled(file, identities.size()));
            }
            identities.add(name);
        }
        if (chosen.isEmpty()) {
            throw new DataException("data folder " + root.toAbsolutePath() + " must have images of split " + split
                    + ", but its fraction is 0");
        }
        return FaceDataset.of(chosen, identities, split, Framing.WHOLE);
    }

    private static boolean isImage(Path file) {
        String name = file.getFileName().toString();
        String ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return ENDINGS.contains(ending) && Files.isRegularFile(file);
    }

    private static List<Path> list(Path folder, Predicate<Path> wanted) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(wanted).sorted().toList();
        } catch (IOException e) {
            throw new DataException("folder " + folder + " cannot be read: " + e, e);
        }
    }
}
