package org.facerecognition.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The rules for subsets and unions of a {@link FaceDataset}'s images and identities. */
final class FaceSubsets {
    private FaceSubsets() {}

    /** Returns the images of the chosen identities, labeled by their place in {@code chosen}. */
    static List<LabeledImage> ofIdentities(FaceDataset faces, List<String> chosen) {
        Map<String, Integer> labels = new HashMap<>();
        for (String name : chosen) {
            if (labels.put(name, labels.size()) != null) {
                throw new IllegalArgumentException(
                        "identities must be chosen once each, but \"" + name + "\" was chosen twice");
            }
        }
        int[] newLabels = faces.identities().stream()
                .mapToInt(name -> labels.getOrDefault(name, -1))
                .toArray();
        List<LabeledImage> kept = where(faces, image -> newLabels[image.label()] >= 0);
        if (kept.isEmpty()) {
            throw new NoImagesException(
                    "the " + faces.split() + " data must have images of the chosen identities, but has"
                            + " none of " + chosen.size() + " such as \""
                            + chosen.stream().findFirst().orElse("")
                            + "\"; its people are called, for example, \""
                            + faces.identities().stream().findFirst().orElse("") + "\"; check the names");
        }
        return ImageList.map(kept, image -> new LabeledImage(image.image(), newLabels[image.label()]));
    }

    private static List<LabeledImage> where(FaceDataset faces, Predicate<LabeledImage> kept) {
        List<LabeledImage> images = faces.images();
        return ImageList.select(
                images,
                IntStream.range(0, images.size())
                        .filter(place -> kept.test(images.get(place)))
                        .toArray());
    }

    /** Returns the names of the identities with at least {@code minImages} images, in the order of their labels. */
    static List<String> identitiesWithAtLeast(FaceDataset faces, int minImages) {
        int[] counts = new int[faces.classes()];
        faces.images().forEach(image -> counts[image.label()]++);
        List<String> kept = IntStream.range(0, counts.length)
                .filter(label -> counts[label] >= minImages)
                .mapToObj(faces.identities()::get)
                .toList();
        if (kept.isEmpty()) {
            throw new DataException("data must have people with at least " + minImages
                    + " images, but the most that one has is "
                    + Arrays.stream(counts).max().orElse(0) + "; ask for fewer images of each");
        }
        return kept;
    }

    /** Returns the first {@code maxImages} images of each identity. */
    static List<LabeledImage> withAtMost(FaceDataset faces, int maxImages) {
        if (maxImages < 1) {
            throw new IllegalArgumentException("images must be at least 1 of each person, but were " + maxImages);
        }
        int[] counts = new int[faces.classes()];
        return where(faces, image -> counts[image.label()]++ < maxImages);
    }

    /** Returns all images except those with the given numbers. */
    static List<LabeledImage> without(FaceDataset faces, Set<Integer> excluded) {
        List<LabeledImage> images = faces.images();
        List<LabeledImage> kept = ImageList.select(
                images,
                IntStream.range(0, images.size())
                        .filter(i -> !excluded.contains(i))
                        .toArray());
        if (kept.isEmpty()) {
            throw new NoImagesException("the " + faces.split() + " data must keep at least one image, but all "
                    + images.size() + " were left out");
        }
        return kept;
    }

    /** Returns the images of both data sets as one of kind {@link Split#TEST}, without augmentation. */
    static FaceDataset union(FaceDataset first, FaceDataset second) {
        if (!first.identities().equals(second.identities()) || first.crop() != second.crop()) {
            throw new IllegalArgumentException(
                    "both parts must have the same people and crop, but were " + first + " and " + second);
        }
        List<LabeledImage> images = ImageList.join(List.of(first.images(), second.images()));
        List<String> notes = Stream.concat(first.notes().stream(), second.notes().stream())
                .distinct()
                .toList();
        return FaceDataset.of(images, first.identities(), Split.TEST, first.crop(), notes);
    }

    /**
     * Splits between people. The choice depends on the set of names, not on their order, so that all parts of a data
     * set are split alike.
     */
    static FaceDataset.ByIdentity byIdentity(FaceDataset faces, double fraction, long seed) {
        if (!(fraction > 0 && fraction < 1)) {
            throw new IllegalArgumentException("fraction must be in (0, 1), but was " + fraction);
        }
        int classes = faces.classes();
        if (classes < 2) {
            throw new DataException("data must have at least 2 people to be split between them, but has " + classes);
        }
        List<String> names = new ArrayList<>(faces.identities());
        Collections.sort(names);
        Collections.shuffle(names, new Random(seed));
        int count = (int) Math.min(classes - 1L, Math.max(1, Math.round(classes * fraction)));
        Set<String> unseen = Set.copyOf(names.subList(0, count));
        return new FaceDataset.ByIdentity(
                faces.withIdentities(faces.identities().stream()
                        .filter(name -> !unseen.contains(name))
                        .toList()),
                faces.withIdentities(
                        faces.identities().stream().filter(unseen::contains).toList()));
    }
}
