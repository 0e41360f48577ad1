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
import org.facerecognition.Recognizer;
import org.facerecognition.data.Crop;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.data.SplitSettings;
import org.facerecognition.data.UnsuitableDataException;
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
            description =
                    "celeba500 (celebA_anno.txt), folders (one per person), packed (by the pack command), or recordio"
                            + " (insightface's train.rec). Default: detected from what lies in --data.")
    private @Nullable Layout layout;

    @Option(
            names = "--align",
            description = "What is cut out of an image: crop (the study's, CelebA only), mean (onto the 112x112"
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

    /**
     * What --layout says, or else what the data looks like; that is said on standard error, once, and is the option's
     * value from then on.
     *
     * @throws DataException when the data looks like none
     * @throws ParameterException when it looks like several
     */
    private Layout layout() {
        if (layout == null) {
            List<Layout> found = LayoutDetection.of(path());
            if (found.size() != 1) {
                throw new ParameterException(
                        command.commandLine(),
                        "data folder " + path() + " can be read as " + LayoutDetection.names(found)
                                + "; choose one with --layout");
            }
            layout = found.get(0);
            tell(List.of("layout: " + LayoutDetection.names(found) + ", detected; --layout says otherwise"));
        }
        return layout;
    }

    /**
     * Checks that faces that were packed as pixels suit a model, which no option can mend.
     *
     * @throws UnsuitableDataException when they have another size or were cut out in another way
     */
    static void requirePackedFor(Recognizer recognizer, FaceDataset faces) {
        int px = faces.size() == 0 ? 0 : faces.sample(0).image().croppedPx();
        if (px > 0 && px != recognizer.imageSizePx()) {
            throw new UnsuitableDataException("faces must be packed at " + recognizer.imageSizePx()
                    + " px for this model, but were packed at " + px + " px; pack them anew with --decoded "
                    + recognizer.imageSizePx());
        }
        boolean knowsFraming = !recognizer.identities().isEmpty();
        if (px > 0 && knowsFraming && !faces.crop().isCompatibleWith(recognizer.crop())) {
            throw new UnsuitableDataException("faces must be packed as this model was trained, framed "
                    + recognizer.crop() + ", but were packed " + faces.crop() + "; pack them anew with --align");
        }
    }

    /** What --align says, or else. */
    Crop crop(Crop otherwise) {
        return align == null ? otherwise : align.crop();
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
        FaceDataset dataset = switch (layout()) {
            case CELEBA500 -> FaceDataset.celeba500(path(), split);
            case FOLDERS -> FaceDataset.folders(path(), split, settings);
            case PACKED -> FaceDataset.packed(path(), split);
            case RECORDIO -> FaceDataset.recordIo(path(), split, settings);
        };
        return align == null ? dataset : dataset.withCrop(align.crop());
    }

    /** Without people of too few images, where the layout itself does not count them. */
    private FaceDataset filtered(FaceDataset part, long seed) {
        if (minImages <= 1 || isSplitHere()) {
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
        return !isSplitHere() || split == Split.TRAIN || (split == Split.VAL ? valFraction : testFraction) > 0;
    }

    /** Whether the layout has no parts of its own. */
    private boolean isSplitHere() {
        return layout() == Layout.FOLDERS || layout() == Layout.RECORDIO;
    }

    private static Optional<FaceDataset> there(Supplier<FaceDataset> part) {
        try {
            return Optional.of(part.get());
        } catch (DataException e) {
            return Optional.empty();
        }
    }
}
