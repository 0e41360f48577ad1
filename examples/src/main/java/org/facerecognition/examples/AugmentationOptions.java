package org.facerecognition.examples;

import java.util.List;
import org.facerecognition.augment.Presets;
import org.facerecognition.augment.Transform;
import org.facerecognition.augment.TransformLine;
import org.facerecognition.data.FaceDataset;
import picocli.CommandLine.Option;

/** Options of what is done to training images. */
final class AugmentationOptions {
    @Option(
            names = "--augmentations",
            defaultValue = "five",
            paramLabel = "LINE",
            description = "five (the study's, as copies), insightface or flip (half of the images mirrored), adaface"
                    + " (mirror image, crop on black, low resolution and colors, each by chance), none, or"
                    + " transforms as one writes them in Python: \"Grayscale(3), ColorJitter(brightness=.5, hue=.3)\", each a"
                    + " separate copy unless --compose.")
    private String line;

    @Option(names = "--compose", description = "All augmentations on one image, instead of one copy for each.")
    private boolean compose;

    FaceDataset apply(FaceDataset train) {
        return switch (line) {
            case "insightface", "flip", "adaface" -> train.withAugmentations(transforms(line), true);
            default -> train.withAugmentations(transforms(line), compose);
        };
    }

    /** Of a preset's name or a line. */
    static List<Transform> transforms(String line) {
        return switch (line) {
            case "five" -> Presets.fiveColor();
            case "insightface", "flip" -> Presets.insightface();
            case "adaface" -> Presets.adaFace();
            case "none" -> List.of();
            default -> TransformLine.parse(line);
        };
    }
}
