package org.facerecognition.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
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
import org.facerecognition.data.Crop;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.NoImagesException;
import org.facerecognition.data.Split;
import org.facerecognition.data.SplitSettings;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options of which faces are read, and how; reads each part of the data once. */
@HelpSection(Heading.DATA)
final class DataOptions {
    enum Layout {
        CELEBA500,
        FOLDERS,
        PACKED,
        RECORDIO
    }

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description =
                    "Folder of the data set, a pack, or the file of insightface's verification sets (bin). Required,"
                            + " except where images are given.")
    private @Nullable Path data;

    @Option(
            names = "--layout",
            paramLabel = "NAME",
            description =
                    "celeba500 (celebA_anno.txt), folders (one per person), packed (by the pack command), or recordio"
                            + " (insightface's train.rec). Default: detected from the files in --data.")
    private @Nullable Layout layout;

    @Option(
            names = "--align",
            paramLabel = "NAME",
            description = "How faces are cropped: crop (the study's crop, CelebA only), mean (aligned to the 112x112"
                    + " template by CelebA's mean landmarks), none, wide (as none, for crops of align --wide). Default:"
                    + " crop for celeba500, the pack's own crop for packed, else none.")
    private @Nullable Align align;

    @Option(
            names = "--val-fraction",
            paramLabel = "SHARE",
            defaultValue = "0.2",
            description = "Share of each person's images that is for validation, in folders and recordio; 0 for no"
                    + " validation.")
    private double valFraction;

    @Option(
            names = "--test-fraction",
            paramLabel = "SHARE",
            defaultValue = "0",
            description = "Share of each person's images that is for testing, in folders and recordio.")
    private double testFraction;

    @Option(
            names = "--min-images",
            paramLabel = "N",
            defaultValue = "1",
            description = "Leave out people with fewer images in all parts together.")
    private int minImages;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** What identifies a part of the data that was read. */
    private record Part(Split split, long seed) {}

    private final Map<Part, FaceDataset> read = new HashMap<>();
    private final Set<String> reported = new HashSet<>();

    /**
     * Checks, before any work, that a file to be written is none of the data's: neither one of its lists and records,
     * nor an image in one of its folders, whether or not that is used.
     *
     * @throws IllegalArgumentException when it is; the message names the option
     * @throws UncheckedIOException when the paths cannot be resolved
     */
    void requireOther(String option, Path out) {
        ModelFile.requireOther(option, out, path());
        ModelFile.requireOther(option, out, LayoutDetection.files(path()));
        if (Files.isRegularFile(out) && ImageFiles.kindOf(out) == ImageFiles.Kind.IMAGE && isInFolderOf(path(), out)) {
            throw new IllegalArgumentException(
                    option + " must not be a file that is read, which it would replace, but was " + out
                            + "; give a file outside the folders of images");
        }
    }

    /** Returns whether a file is in a folder inside another, by its name or by where links lead. */
    private static boolean isInFolderOf(Path folder, Path file) {
        try {
            return isBelow(
                            folder.toAbsolutePath().normalize(),
                            file.toAbsolutePath().normalize())
                    || isBelow(AtomicFile.real(folder), AtomicFile.real(file));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot compare " + file + " with " + folder, e);
        }
    }

    private static boolean isBelow(Path folder, Path file) {
        return file.startsWith(folder) && file.getNameCount() > folder.getNameCount() + 1;
    }

    /** Returns whether there is a value of --data. */
    boolean isGiven() {
        return data != null;
    }

    /**
     * Returns the value of --data.
     *
     * @throws ParameterException when it is missing; the parser cannot require it, because a training that is resumed
     *     takes it from its {@code args.json}
     */
    Path path() {
        if (data == null) {
            throw new ParameterException(command.commandLine(), "Missing required option: '--data=DIR'");
        }
        return data;
    }

    /**
     * Returns the value of --layout, or else the layout that is detected from the data. A detected layout is reported
     * on standard error once and is the option's value afterwards.
     *
     * @throws DataException when the data has no known layout
     * @throws ParameterException when several layouts fit
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
            report(List.of("layout: " + LayoutDetection.names(found) + ", detected; --layout overrides it"));
        }
        return layout;
    }

    /**
     * Checks that faces that were packed as pixels have the size and the crop that a model takes. No option can adapt
     * them.
     *
     * @throws UnsuitableDataException when they have another size or another crop
     */
    static void requirePackedFor(LoadedModel model, FaceDataset faces) {
        int size = model.embedder().imageSizePx();
        int px = faces.size() == 0 ? 0 : faces.sample(0).image().croppedPx();
        if (px > 0 && px != size) {
            throw new UnsuitableDataException("faces must be packed at " + size
                    + " px for this model, but were packed at " + px + " px; pack them again with --decoded "
                    + size);
        }
        if (px > 0 && model.saysItsCrop() && !faces.crop().isCompatibleWith(model.crop())) {
            throw new UnsuitableDataException("faces must be packed with the crop that this model was trained with, "
                    + model.crop() + ", but were packed with " + faces.crop() + "; pack them again with --align");
        }
    }

    /** Returns the crop of --align, or else the given one. */
    Crop crop(Crop byDefault) {
        return align == null ? byDefault : align.crop();
    }

    /** Returns all parts of the data together. */
    FaceDataset readAll(long seed) {
        return parts(seed).stream()
                .map(split -> read(split, seed))
                .reduce(FaceDataset::with)
                .orElseThrow(() -> new DataException(path() + " must have images, but has none"));
    }

    /**
     * Returns one part of the data. Its notes go to standard error, each of them once for all parts.
     *
     * @throws DataException when the part cannot be read
     * @throws NoImagesException when it has no images
     */
    FaceDataset read(Split split, long seed) {
        Part part = new Part(split, seed);
        FaceDataset faces = read.get(part);
        if (faces == null) {
            faces = filtered(whole(split, seed), seed);
            read.put(part, faces);
            report(faces.notes());
        }
        return faces;
    }

    /**
     * Returns the validation part; empty when its fraction is 0 or it has no images.
     *
     * @throws DataException when the data cannot be read
     */
    Optional<FaceDataset> validation(long seed) {
        read(Split.TRAIN, seed); // its error says what is wrong with the data as a whole
        return parts(seed).contains(Split.VAL) ? Optional.of(read(Split.VAL, seed)) : Optional.empty();
    }

    /** Prints notes on standard error, except those that were printed before. */
    void report(List<String> notes) {
        notes.stream().filter(reported::add).forEach(command.commandLine().getErr()::println);
    }

    /** Says that fractions have no effect on data that have their own parts. */
    private void warnOfFractions() {
        var given = command.commandLine().getParseResult();
        for (String name : List.of("--val-fraction", "--test-fraction")) {
            boolean differs = given != null
                    && given.hasMatchedOption(name)
                    && !String.valueOf(given.matchedOption(name).<Object>getValue())
                            .equals(command.findOption(name).defaultValue());
            if (differs && !isSplitHere()) {
                report(List.of("warning: " + name + " has no effect, because " + path() + " has parts of its own"));
            }
        }
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

    /** Leaves out people with too few images, unless reading the layout has done so. */
    private FaceDataset filtered(FaceDataset part, long seed) {
        if (minImages <= 1 || isSplitHere()) {
            return part;
        }
        List<String> people = Stream.of(Split.values())
                .flatMap(split -> ifPresent(() -> whole(split, seed)).stream())
                .reduce(FaceDataset::with)
                .orElse(part)
                .withAtLeast(minImages)
                .identities();
        int leftOut = part.classes() - people.size();
        if (leftOut > 0) {
            report(List.of(String.format(
                    Locale.ROOT,
                    "left out: %,d %s with fewer than %d images",
                    leftOut,
                    leftOut == 1 ? "person" : "people",
                    minImages)));
        }
        return part.withIdentities(people);
    }

    /** Returns whether there is a test part. */
    boolean hasTest(long seed) {
        return parts(seed).contains(Split.TEST);
    }

    /**
     * Returns the parts that have images.
     *
     * @throws DataException when none has, or one cannot be read, with the reason
     */
    List<Split> parts(long seed) {
        warnOfFractions();
        List<Split> parts = new ArrayList<>();
        for (Split split : Split.values()) {
            if (isRequested(split) && ifPresent(() -> read(split, seed)).isPresent()) {
                parts.add(split);
            }
        }
        if (parts.isEmpty()) {
            read(Split.TRAIN, seed);
        }
        return parts;
    }

    private boolean isRequested(Split split) {
        return !isSplitHere() || split == Split.TRAIN || (split == Split.VAL ? valFraction : testFraction) > 0;
    }

    /** Returns whether the layout has no parts, so that they are split here. */
    private boolean isSplitHere() {
        return layout() == Layout.FOLDERS || layout() == Layout.RECORDIO;
    }

    private static Optional<FaceDataset> ifPresent(Supplier<FaceDataset> part) {
        try {
            return Optional.of(part.get());
        } catch (NoImagesException e) {
            return Optional.empty();
        }
    }
}
