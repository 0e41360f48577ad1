package org.facerecognition.examples;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.facerecognition.Recognizer;
import org.facerecognition.weights.WeightsException;

/** Loads models that the command line names, and says what a file is that is not a model. */
final class ModelFile {
    private static final int START_BYTES = 512;

    private ModelFile() {}

    /**
     * Loads a model that this library saved.
     *
     * @return owned
     * @throws WeightsException when it cannot be read; says what the file is if that can be recognized
     * @throws IllegalArgumentException when it contains weights only, which need --encoder
     */
    static Recognizer load(Path file) {
        try {
            return Recognizer.load(file);
        } catch (WeightsException e) {
            requireWeights(file, e);
            if (isPyTorch(start(file)) || String.valueOf(e.getMessage()).endsWith("its format was null")) {
                throw new IllegalArgumentException(
                        "model " + file + " has weights without a description of their network; name it with --encoder,"
                                + " such as --encoder mobilefacenet",
                        e);
            }
            throw e;
        }
    }

    /**
     * Checks that a file that could not be read as weights is not something else that can be recognized.
     *
     * @param cause why it could not be read
     * @throws WeightsException when it is something else; says what
     */
    static void requireWeights(Path file, WeightsException cause) {
        Optional<String> other = other(start(file));
        if (Files.isRegularFile(file) && other.isPresent()) {
            throw new WeightsException("model " + file + " " + other.get(), cause);
        }
    }

    private static Optional<String> other(byte[] start) {
        String text =
                new String(start, StandardCharsets.ISO_8859_1).stripLeading().toLowerCase(Locale.ROOT);
        if (start.length == 0) {
            return Optional.of("is empty; fetch it again");
        }
        if (text.startsWith("version https://git-lfs")) {
            return Optional.of("is a Git LFS pointer, not weights; fetch the file itself (git lfs pull)");
        }
        return text.startsWith("<")
                ? Optional.of("is a web page or other markup, not weights; fetch the file itself")
                : Optional.empty();
    }

    /** Returns whether these are the first bytes of a ZIP archive or of a pickle. */
    private static boolean isPyTorch(byte[] start) {
        return start.length > 1 && (start[0] == 'P' && start[1] == 'K' || (start[0] & 0xff) == 0x80 && start[1] <= 5);
    }

    private static byte[] start(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(START_BYTES);
        } catch (IOException e) { // the exception of the first attempt to read it says why
            return new byte[0];
        }
    }
}
