package org.facerecognition.examples;

import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.vision.FaceChoice;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The option of which face of an image is used, for commands that take one face of each image. */
@HelpSection(Heading.DETECTION)
final class FaceOption {
    @Option(
            names = "--face",
            defaultValue = "most-prominent",
            converter = Converter.class,
            paramLabel = "WHICH",
            description = "With --detector, which face of an image is used: most-prominent (large and near the center),"
                    + " largest, most-central, highest-score, or only (images with several faces are"
                    + " rejected).")
    private FaceChoice choice;

    FaceChoice choice() {
        return choice;
    }

    /** Converts the names that {@link FaceChoice#toString} returns. */
    static final class Converter implements ITypeConverter<FaceChoice> {
        @Override
        public FaceChoice convert(String name) {
            for (FaceChoice choice : FaceChoice.values()) {
                if (choice.toString().equalsIgnoreCase(name)) {
                    return choice;
                }
            }
            throw new TypeConversionException(
                    "must be most-prominent, largest, most-central, highest-score or only, but was \"" + name + "\"");
        }
    }
}
