package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Framing;
import org.facerecognition.data.Split;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of which faces to read, and how. */
final class DataOptions {
    enum Layout {
        CELEBA500,
        FOLDERS
    }

    @Option(names = "--data", required = true, paramLabel = "DIR", description = "Folder of the data set.")
    private Path data;

    @Option(names = "--layout", defaultValue = "celeba500", description = "celeba500, or folders (one per person).")
    private Layout layout;

    @Option(
            names = "--align",
            description = "What is cut out of a picture: crop (the study's, CelebA only), mean (onto the 112x112"
                    + " template by CelebA's mean points), none. Default: crop for celeba500, none for folders.")
    private @Nullable Align align;

    @Option(names = "--val-fraction", defaultValue = "0.2", description = "Of each person's images; folders only.")
    private double valFraction;

    @Option(names = "--test-fraction", defaultValue = "0", description = "Of each person's images; folders only.")
    private double testFraction;

    FaceDataset read(Split split, long seed) {
        FaceDataset dataset = switch (layout) {
            case CELEBA500 -> FaceDataset.celeba500(data, split);
            case FOLDERS -> FaceDataset.folders(data, split, valFraction, testFraction, seed);
        };
        return dataset.withFraming(framing());
    }

    /** Whether there is a test part beside training and validation. */
    boolean hasTest() {
        return layout == Layout.CELEBA500 || testFraction > 0;
    }

    private Framing framing() {
        Align usual = layout == Layout.CELEBA500 ? Align.CROP : Align.NONE;
        return (align == null ? usual : align).framing();
    }
}
