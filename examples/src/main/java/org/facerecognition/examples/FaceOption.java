package org.facerecognition.examples;

import org.facerecognition.vision.FaceChoice;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Which face of an image is meant, for commands that take one of each. */
final class FaceOption {
    @Option(
            names = "--face",
            defaultValue = "most-prominent",
            converter = Converter.class,
            paramLabel = "WHICH",
            description =
                    "With --detector, which face of an image is meant: most-prominent (large and near the middle),"
                            + " largest, most-central, highest-score, or only (an image with several is rejected). Default:"
                            + " ${DEFAULT-VALUE}.")
    private FaceChoice choice;

    FaceChoice choice() {
        return choice;
    }

    /** By the names that {@link FaceChoice#toString} gives. */
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
