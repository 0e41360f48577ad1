package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Framing;
import org.facerecognition.data.Split;
import org.facerecognition.data.SplitSettings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options of which faces to read, and how. */
final class DataOptions {
    enum Layout {
        CELEBA500,
        FOLDERS,
        PACKED,
        RECORDIO
    }

    @Option(names = "--data", paramLabel = "DIR", description = "Folder of the data set, or a pack. Required.")
    private @Nullable Path data;

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
            description = "Of each person's images; folders and recordio. 0: no validation.")
    private double valFraction;

    @Option(
            names = "--test-fraction",
            defaultValue = "0",
            description = "Of each person's images; folders and recordio.")
    private double testFraction;

    @Option(
            names = "--min-images",
            defaultValue = "1",
            description = "Leave out people with fewer images, those of all parts together.")
    private int minImages;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** A part of the data, as it was read. */
    private record Part(Split split, long seed) {}

    private final Map<Part, FaceDataset> read = new HashMap<>();
    private final Set<String> told = new HashSet<>();

    /**
     * What --data says.
     *
     * @throws ParameterException when it is missing: a training that is resumed knows it, so that it cannot be required
     *     in parsing
     */
    Path path() {
        if (data == null) {
            throw new ParameterException(command.commandLine(), "Missing required option: '--data=DIR'");
        }
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
                .orElseThrow(() -> new DataException(path() + " must have images, but has none"));
    }

    /**
     * One part of the data. What its notes say goes to standard error, once for all parts.
     *
     * @throws DataException when there are no images in it
     */
    FaceDataset read(Split split, long seed) {
        Part part = new Part(split, seed);
        FaceDataset known = read.get(part);
        if (known == null) {
            known = filtered(whole(split, seed), seed);
            read.put(part, known);
            tell(known.notes());
        }
        return known;
    }

    /** The validation part; empty where the data has none: its fraction is 0, or nobody has images in it. */
    Optional<FaceDataset> validation(long seed) {
        read(Split.TRAIN, seed); // says what is wrong with the data as a whole
        return parts(seed).contains(Split.VAL) ? Optional.of(read(Split.VAL, seed)) : Optional.empty();
    }

    /** Says on standard error what was not said yet. */
    void tell(List<String> notes) {
        notes.stream().filter(told::add).forEach(command.commandLine().getErr()::println);
    }

    private FaceDataset whole(Split split, long seed) {
        SplitSettings settings = new SplitSettings(valFraction, testFraction, minImages, seed);
        FaceDataset dataset = switch (layout) {
            case CELEBA500 -> FaceDataset.celeba500(path(), split);
            case FOLDERS -> FaceDataset.folders(path(), split, settings);
            case PACKED -> FaceDataset.packed(path(), split);
            case RECORDIO -> FaceDataset.recordIo(path(), split, settings);
        };
        return align == null ? dataset : dataset.withFraming(align.framing());
    }

    /** Without people of too few images, where the layout itself does not count them. */
    private FaceDataset filtered(FaceDataset part, long seed) {
        if (minImages <= 1 || layout == Layout.FOLDERS || layout == Layout.RECORDIO) {
            return part;
        }
        List<String> people = Stream.of(Split.values())
                .flatMap(split -> there(() -> whole(split, seed)).stream())
                .reduce(FaceDataset::with)
                .orElse(part)
                .withAtLeast(minImages)
                .identities();
        int left = part.classes() - people.size();
        if (left > 0) {
            tell(List.of(String.format(
                    Locale.ROOT,
                    "left out: %,d %s with fewer than %d images",
                    left,
                    left == 1 ? "person" : "people",
                    minImages)));
        }
        return part.withIdentities(people);
    }

    /** Whether there is a test part beside training and validation. */
    boolean hasTest(long seed) {
        return parts(seed).contains(Split.TEST);
    }

    /**
     * The parts that have images.
     *
     * @throws DataException when none has, with the reason
     */
    List<Split> parts(long seed) {
        List<Split> parts = new ArrayList<>();
        for (Split split : Split.values()) {
            if (isAskedFor(split) && there(() -> read(split, seed)).isPresent()) {
                parts.add(split);
            }
        }
        if (parts.isEmpty()) {
            read(Split.TRAIN, seed);
        }
        return parts;
    }

    private boolean isAskedFor(Split split) {
        boolean splitHere = layout == Layout.FOLDERS || layout == Layout.RECORDIO;
        return !splitHere || split == Split.TRAIN || (split == Split.VAL ? valFraction : testFraction) > 0;
    }

    private static Optional<FaceDataset> there(Supplier<FaceDataset> part) {
        try {
            return Optional.of(part.get());
        } catch (DataException e) {
            return Optional.empty();
        }
    }
}
