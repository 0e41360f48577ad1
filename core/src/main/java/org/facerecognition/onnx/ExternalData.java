package org.facerecognition.onnx;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ForeignText;
import org.facerecognition.weights.WeightsException;

/** Finds the values of constants that an ONNX file keeps in a file beside it. */
final class ExternalData {
    private ExternalData() {}

    /**
     * Returns where a constant's values are.
     *
     * @param model the ONNX file
     * @param name of the constant
     * @param entries of its external_data: location, offset, length
     * @throws WeightsException when they are outside of the model's folder, or the file is missing or too short
     */
    static TensorProto.InFile of(Path model, String name, Map<String, String> entries) {
        String location = entries.getOrDefault("location", "").replaceAll("\\p{Cntrl}", "?");
        Path file = beside(model, name, location);
        try {
            long bytes = Files.size(file);
            long offset = Long.parseLong(entries.getOrDefault("offset", "0"));
            long length = Long.parseLong(entries.getOrDefault("length", Long.toString(bytes - offset)));
            if (offset < 0 || length < 0 || offset > bytes || length > bytes - offset) {
                throw tooShort(
                        model,
                        file,
                        "constant " + name + " must lie in the " + bytes + " bytes of " + file + ", but is said to be "
                                + length + " bytes from byte " + offset);
            }
            return new TensorProto.InFile(file, offset, length);
        } catch (NumberFormatException e) {
            throw new WeightsException(
                    model + " is damaged: the place of constant " + name + " is no number; use another copy", e);
        } catch (IOException e) {
            throw new WeightsException(
                    model + " keeps weights in " + file + ", which cannot be read: " + AtomicFile.reason(e)
                            + "; put that file beside the model",
                    e);
        }
    }

    private static WeightsException tooShort(Path model, Path file, String why) {
        String what = ForeignText.describe(file, "weights", "the file of weights")
                .map(kind -> model + " keeps weights in " + file + ", which " + kind)
                .orElse(model + ": " + why + "; use another copy of both");
        return new WeightsException(what);
    }

    /** In caches, both names are links to files of one other folder. */
    private static boolean liesBeside(Path model, Path folder, Path real) throws IOException {
        return real.startsWith(folder.toRealPath())
                || real.startsWith(model.toAbsolutePath().toRealPath().getParent());
    }

    /** A model must not read other files of its user's: its weights are in its own folder or below it. */
    private static Path beside(Path model, String name, String location) {
        try {
            Path folder =
                    Objects.requireNonNull(model.toAbsolutePath().normalize().getParent(), "a file is in a folder");
            Path file = folder.resolve(location).normalize();
            boolean inside = !location.isEmpty() && !Path.of(location).isAbsolute() && file.startsWith(folder);
            if (inside && (!Files.exists(file) || liesBeside(model, folder, file.toRealPath()))) {
                return file;
            }
        } catch (InvalidPathException | IOException e) {
            // such a place is no place in the folder either
        }
        throw new WeightsException(model + " must keep its weights in its own folder, but those of constant " + name
                + " are in \"" + location + "\"; use a model whose files lie together");
    }
}
