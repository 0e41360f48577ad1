package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Framing;
import org.facerecognition.data.Split;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of which faces to read, and how. */
final class DataOptions {
    enum Layout {
        CELEBA500,
        FOLDERS,
        PACKED,
        RECORDIO
    }

    @Option(names = "--data", required = true, paramLabel = "DIR", description = "Folder of the data set, or a pack.")
    private Path data;

    @Option(
            names = "--layout",
            defaultValue = "celeba500",
            description =
                    "celeba500, folders (one per person), packed (by the pack command), or recordio (insightface's train.rec).")
    private Layout layout;

    @Option(
            names = "--align",
            description = "What is cut out of a picture: crop (the study's, CelebA only), mean (onto the 112x112"
                    + " template by CelebA's mean points), none. Default: crop for celeba500, a pack's own, else none.")
    private @Nullable Align align;

    @Option(
            names = "--val-fraction",
            defaultValue = "0.2",
            description = "Of each person's images; folders and recordio.")
    private double valFraction;

    @Option(
            names = "--test-fraction",
            defaultValue = "0",
            description = "Of each person's images; folders and recordio.")
    private double testFraction;

    @Option(names = "--min-images", defaultValue = "1", description = "Leave out people with fewer training images.")
    private int minImages;

    /** What --data says. */
    Path path() {
        return data;
    }

    /** What --align says, or else. */
    Framing framing(Framing otherwise) {
        return align == null ? otherwise : align.framing();
    }

    /** All parts of the data together. */
    FaceDataset readAll(long seed) {
        return parts(seed).stream()
                .map(split -> read(split, seed))
                .reduce(FaceDataset::with)
                .orElseThrow(() -> new DataException(data + " must have images, but has none"));
    }

    FaceDataset read(Split split, long seed) {
        FaceDataset all = whole(split, seed);
        if (minImages <= 1) {
            return all;
        }
        FaceDataset train = split == Split.TRAIN ? all : whole(Split.TRAIN, seed);
        return all.withIdentities(train.withAtLeast(minImages).identities());
    }

    private FaceDataset whole(Split split, long seed) {
        FaceDataset dataset = switch (layout) {
            case CELEBA500 -> FaceDataset.celeba500(data, split);
            case FOLDERS -> FaceDataset.folders(data, split, valFraction, testFraction, seed);
            case PACKED -> FaceDataset.packed(data, split);
            case RECORDIO -> FaceDataset.recordIo(data, split, valFraction, testFraction, seed);
        };
        return align == null ? dataset : dataset.withFraming(align.framing());
    }

    /** Whether there is a test part beside training and validation. */
    boolean hasTest() {
        return switch (layout) {
            case CELEBA500 -> true;
            case FOLDERS, RECORDIO -> testFraction > 0;
            case PACKED -> parts(0).contains(Split.TEST);
        };
    }

    /** The parts that have images. */
    List<Split> parts(long seed) {
        List<Split> parts = new ArrayList<>();
        for (Split split : Split.values()) {
            boolean there = switch (layout) {
                case FOLDERS, RECORDIO -> split == Split.TRAIN || (split == Split.VAL ? valFraction : testFraction) > 0;
                case CELEBA500 -> true;
                case PACKED -> isThere(split, seed);
            };
            if (there) {
                parts.add(split);
            }
        }
        return parts;
    }

    private boolean isThere(Split split, long seed) {
        try {
            return whole(split, seed).size() > 0;
        } catch (DataException e) {
            return false;
        }
    }
}
