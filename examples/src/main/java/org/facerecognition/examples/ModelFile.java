package org.facerecognition.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Supplier;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/** Loads models that the command line names. */
final class ModelFile {
    private static final String OWN_FORMAT = "face-recognition";

    private ModelFile() {}

    /**
     * Loads a model that this library saved.
     *
     * @return owned
     * @throws WeightsException when it cannot be read; says what the file is if that can be recognized
     * @throws IllegalArgumentException when it contains weights only, which need --encoder
     */
    static Recognizer load(Path file, boolean hasEncoderOption) {
        return explained(file, hasEncoderOption, () -> Recognizer.load(file));
    }

    /**
     * Loads a model that this library saved, to embed faces and for nothing else: mostly without libtorch.
     *
     * @param precision float32, or another that was asked for
     * @param detector borrowed; null for images that are aligned crops
     * @return owned
     * @throws WeightsException as {@link #load(Path, boolean)}
     * @throws IllegalArgumentException when it contains weights only, which need --encoder
     * @throws IllegalStateException when it was trained on faces that were cropped in another way than the detector's,
     *     or cannot embed in that precision
     */
    static PreparedRecognizer prepared(
            Path file, PrepareOptions precision, @Nullable FaceDetector detector, FaceChoice choice, boolean flip) {
        return explained(file, true, () -> PreparedRecognizer.load(file, precision, detector, choice, flip));
    }

    private static <T> T explained(Path file, boolean hasEncoderOption, Supplier<T> reading) {
        try {
            return reading.get();
        } catch (WeightsException e) {
            Weights weights = Weights.read(file); // says what is wrong where the file has no weights either
            weights.requireLayerNames();
            if (weights.metadata().getOrDefault("format", "").startsWith(OWN_FORMAT)) {
                throw e;
            }
            throw new IllegalArgumentException(
                    "model " + file + " has weights without a description of their network; "
                            + (hasEncoderOption
                                    ? "name it with --encoder, "
                                            + fitting(weights)
                                                    .map(encoder -> "here --encoder " + encoder)
                                                    .orElse("such as --encoder mobilefacenet")
                                    : "this command needs a model that train, or evaluate --calibrate, has written"),
                    e);
        }
    }

    /**
     * Loads weights from elsewhere.
     *
     * @return owned
     * @throws WeightsException when they cannot be read or belong to another encoder; says to which
     */
    static Recognizer load(Path file, Encoder encoder) {
        Weights weights = Weights.read(file);
        try {
            return Recognizer.pretrained(encoder, weights);
        } catch (WeightsException e) {
            Optional<Encoder> fitting = fitting(weights);
            if (fitting.isEmpty()) {
                throw e;
            }
            throw new WeightsException(
                    file + " does not have the weights of " + encoder + ", but those of " + fitting.get()
                            + "; give it with --encoder " + fitting.get(),
                    e);
        }
    }

    /**
     * Checks, before any work, that a file to be written is none that is read.
     *
     * @param out null if nothing is to be written
     * @throws IllegalArgumentException when it is; the message names the option
     */
    static void requireOther(String option, @Nullable Path out, @Nullable Path... read) {
        for (@Nullable Path file : read) {
            if (out != null && file != null && isSame(out, file)) {
                throw new IllegalArgumentException(
                        option + " must not be a file that is read, which it would replace, but was " + out);
            }
        }
    }

    private static boolean isSame(Path one, Path other) {
        try {
            return Files.exists(one) && Files.exists(other) && Files.isSameFile(one, other);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot compare " + one + " with " + other, e);
        }
    }

    /**
     * Checks, before any work, that two options do not write the same file, whether or not it exists.
     *
     * @param out null if nothing is to be written
     * @throws IllegalArgumentException when they do; the message names the options
     */
    static void requireApart(String option, @Nullable Path out, String otherOption, Path other) {
        if (out != null
                && (isSame(out, other)
                        || out.toAbsolutePath()
                                .normalize()
                                .equals(other.toAbsolutePath().normalize()))) {
            throw new IllegalArgumentException(option + " must be another file than " + otherOption
                    + " writes, but was " + out + "; give another file");
        }
    }

    /** Returns the encoder that these weights fit, tensor by tensor. */
    private static Optional<Encoder> fitting(Weights weights) {
        return Arrays.stream(Encoder.values())
                .filter(encoder -> fits(encoder, weights))
                .findFirst();
    }

    private static boolean fits(Encoder encoder, Weights weights) {
        try (Recognizer recognizer = Recognizer.pretrained(encoder, weights)) {
            return true;
        } catch (WeightsException e) {
            return false;
        }
    }
}
