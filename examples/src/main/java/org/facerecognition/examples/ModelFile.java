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

/** A model that the command line names, and what else may be in its place. */
final class ModelFile {
    private static final int START_BYTES = 512;

    private ModelFile() {}

    /**
     * Loads a model that this library saved.
     *
     * @throws WeightsException when it cannot be read, saying what the file is where that can be told
     * @throws IllegalArgumentException when it has weights alone, which --encoder is for
     */
    static Recognizer load(Path file) {
        try {
            return Recognizer.load(file);
        } catch (WeightsException e) {
            requireWeights(file, e);
            if (isPyTorch(start(file)) || String.valueOf(e.getMessage()).endsWith("its format was null")) {
                throw new IllegalArgumentException(
                        "model " + file + " has weights without a description of their net; say whose they are with"
                                + " --encoder, such as --encoder mobilefacenet",
                        e);
            }
            throw e;
        }
    }

    /**
     * Says what a file is that was given in place of weights; returns where that cannot be told.
     *
     * @param cause why it could not be read
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

    /** A zip archive or a pickle. */
    private static boolean isPyTorch(byte[] start) {
        return start.length > 1 && (start[0] == 'P' && start[1] == 'K' || (start[0] & 0xff) == 0x80 && start[1] <= 5);
    }

    private static byte[] start(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(START_BYTES);
        } catch (IOException e) { // said by whoever tried to read it
            return new byte[0];
        }
    }
}
