package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.eval.Embedded;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * A model that a command embeds faces with: one of this library, or an ONNX file from elsewhere; in float32, or in
 * another precision if that is asked for.
 */
abstract sealed class LoadedModel implements LoadedEmbedder {
    /**
     * Returns a model of this library.
     *
     * @param recognizer owned from now on
     */
    static LoadedModel of(Recognizer recognizer) {
        return new Own(recognizer);
    }

    /**
     * Returns a model of this library that embeds in another precision.
     *
     * @param recognizer owned from now on, unless this throws
     * @throws IllegalStateException when it is not close enough to float32, or not calibrated for int8
     */
    static LoadedModel prepared(Recognizer recognizer, PrepareOptions precision) {
        return new Prepared(recognizer, recognizer.prepare(precision));
    }

    /**
     * Loads an ONNX file.
     *
     * @param input what pixels it takes; null if the file says it
     * @param precision float32 or half
     * @param detector borrowed; null for images that are aligned crops
     */
    static LoadedModel of(
            Path file,
            @Nullable InputContract input,
            PrepareOptions precision,
            @Nullable FaceDetector detector,
            FaceChoice choice,
            boolean flip) {
        OnnxModel model = OnnxModel.open(file, input);
        try {
            return new Onnx(model, PreparedRecognizer.load(model, precision, detector, choice, flip));
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** Returns the crop that it was trained with; for a model that does not say, images that are aligned crops. */
    abstract Crop crop();

    /** Returns which of the people have names of people that it was trained on, as far as the file says. */
    abstract List<String> knownPeople(FaceDataset people);

    /** Returns whether the file says whom the model was trained on. */
    abstract boolean saysWhomItKnows();

    /** Returns whether the file says how the faces of the training were cropped; an export says it without names. */
    boolean saysItsCrop() {
        return saysWhomItKnows() || crop() != Crop.WHOLE;
    }

    /** Embeds faces as the data set crops them, whatever detector there is. */
    abstract Embedded embed(FaceDataset faces, boolean flip, IntConsumer embedded);

    /** Writes the model with its thresholds. */
    abstract void save(Path file);

    /** Checks that {@link #save} to a file is possible, before the work for it. */
    abstract void requireSaveable(Path file);

    /** Returns the thresholds of the present mode, by false accept rate. */
    static Map<Double, Double> thresholds(FaceEmbedder embedder) {
        Map<Double, Double> byRate = new TreeMap<>();
        for (Threshold threshold : embedder.allThresholds()) {
            boolean here = threshold
                    .evidence()
                    .map(evidence -> evidence.mode().equals(embedder.embeddingMode()))
                    .orElse(true);
            if (here) {
                byRate.put(threshold.falseAcceptRate().orElseThrow(), threshold.cosine());
            }
        }
        return Collections.unmodifiableMap(byRate);
    }

    @Override
    public abstract void close();

    @Override
    public String toString() {
        return embedder().toString();
    }

    private static sealed class Own extends LoadedModel {
        final Recognizer recognizer;

        Own(Recognizer recognizer) {
            this.recognizer = recognizer;
        }

        @Override
        public FaceEmbedder embedder() {
            return recognizer;
        }

        @Override
        Crop crop() {
            return recognizer.crop();
        }

        @Override
        List<String> knownPeople(FaceDataset people) {
            return recognizer.knownPeople(people);
        }

        @Override
        boolean saysWhomItKnows() {
            return !recognizer.knownPeople().isEmpty();
        }

        @Override
        Embedded embed(FaceDataset faces, boolean flip, IntConsumer embedded) {
            return recognizer.embed(faces, flip, embedded);
        }

        @Override
        void requireSaveable(Path file) {
            // any file can be written
        }

        @Override
        void save(Path file) {
            recognizer.save(file);
        }

        @Override
        public void close() {
            recognizer.close();
        }
    }

    private static final class Prepared extends Own {
        private final PreparedRecognizer prepared;

        Prepared(Recognizer recognizer, PreparedRecognizer prepared) {
            super(recognizer);
            this.prepared = prepared;
        }

        @Override
        public FaceEmbedder embedder() {
            return prepared;
        }

        @Override
        Embedded embed(FaceDataset faces, boolean flip, IntConsumer embedded) {
            return prepared.embedAsCropped(faces, embedded); // flips as it was prepared
        }

        @Override
        void save(Path file) {
            List<Threshold> measured = prepared.allThresholds().stream()
                    .filter(threshold -> threshold.evidence().isPresent()
                            && threshold.evidence().get().mode().equals(prepared.embeddingMode()))
                    .toList();
            if (!measured.isEmpty()) {
                recognizer.keepThresholds(measured);
            }
            super.save(file);
        }

        @Override
        public void close() {
            prepared.close();
            super.close();
        }
    }

    private static final class Onnx extends LoadedModel {
        private final OnnxModel model;
        private final PreparedRecognizer prepared;

        Onnx(OnnxModel model, PreparedRecognizer prepared) {
            this.model = model;
            this.prepared = prepared;
        }

        @Override
        public FaceEmbedder embedder() {
            return prepared;
        }

        @Override
        Crop crop() {
            return model.input().crop();
        }

        @Override
        List<String> knownPeople(FaceDataset people) {
            return List.of();
        }

        @Override
        boolean saysWhomItKnows() {
            return false;
        }

        @Override
        boolean saysItsCrop() {
            return model.takesOwnInput() && super.saysItsCrop();
        }

        @Override
        Embedded embed(FaceDataset faces, boolean flip, IntConsumer embedded) {
            return prepared.embedAsCropped(faces, embedded); // flips as it was loaded
        }

        @Override
        void requireSaveable(Path file) {
            if (!file.toAbsolutePath()
                    .normalize()
                    .equals(model.file().toAbsolutePath().normalize())) {
                throw new WeightsException("thresholds of an ONNX model are written beside it: --calibrate must be "
                        + model.file() + ", but was " + file);
            }
        }

        @Override
        void save(Path file) {
            requireSaveable(file);
            prepared.saveThresholds(model);
        }

        @Override
        public void close() {
            prepared.close();
            model.close();
        }
    }
}
