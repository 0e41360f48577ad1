package org.facerecognition.examples;

import java.util.List;
import org.facerecognition.augment.Presets;
import org.facerecognition.augment.Transform;
import org.facerecognition.augment.TransformLine;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.examples.HelpSection.Heading;
import picocli.CommandLine.Option;

/** Options of how training images are augmented. */
@HelpSection(Heading.DATA)
final class AugmentationOptions {
    @Option(
            names = "--augmentations",
            defaultValue = "five",
            paramLabel = "LINE",
            description = "five (the study's five transforms, each as a copy); insightface or flip (mirrors half of the"
                    + " images); adaface (mirroring, a crop on black, low resolution and color changes, each at"
                    + " random); none; or transforms as they are written in Python, such as \"Grayscale(3),"
                    + " ColorJitter(brightness=0.5, hue=0.3)\", each as a separate copy unless --compose is given.")
    private String line;

    @Option(
            names = "--compose",
            description = "Apply all augmentations to one image, instead of making a copy for each.")
    private boolean compose;

    FaceDataset apply(FaceDataset train) {
        return train.withAugmentations(transforms(), composes());
    }

    /** Returns which options have no effect. */
    List<String> warnings() {
        return compose && transforms().isEmpty()
                ? List.of("--compose has no effect with --augmentations " + line + ": there is nothing to apply")
                : List.of();
    }

    /** Returns whether each image goes through all transforms, instead of having a copy for each. */
    boolean composes() {
        return switch (line) {
            case "insightface", "flip", "adaface" -> true;
            default -> compose;
        };
    }

    /** Returns the transforms of a preset's name, or those that a line lists. */
    List<Transform> transforms() {
        return switch (line) {
            case "five" -> Presets.fiveColor();
            case "insightface", "flip" -> Presets.insightface();
            case "adaface" -> Presets.adaFace();
            case "none" -> List.of();
            default -> TransformLine.parse(line);
        };
    }
}
