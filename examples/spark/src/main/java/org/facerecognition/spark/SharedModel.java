package org.facerecognition.spark;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * A prepared model that all tasks of this process share. It stays open after its last task, for those that come, until
 * tasks need another one.
 */
final class SharedModel implements AutoCloseable {
    private static final Map<String, SharedModel> OPEN = new HashMap<>();

    /** The detector of a model. */
    record Detection(SharedFile file, FaceDetector.Settings settings) implements Serializable {}

    /**
     * What an executor needs to prepare a model.
     *
     * @param detection null for images that are cropped as in training
     * @param threads number of threads that an executor computes with; 0 for one for each processor that it sees
     * @param needsHalf whether the driver has chosen half precision because its processor has instructions for it
     */
    record Recipe(
            SharedFile model, @Nullable Detection detection, EmbedSettings settings, int threads, boolean needsHalf)
            implements Serializable {

        /** Models with the same key embed in the same way. */
        private String key() {
            return model.key() + " " + settings
                    + (detection == null ? "" : " " + detection.file.key() + " " + detection.settings);
        }

        private SharedModel prepare() {
            ExecutorProcess.prepare(threads);
            if (needsHalf) {
                requireInstructions(PreparedNet.isFast(ScalarType.BFloat16));
            }
            FaceDetector detector =
                    detection == null ? null : detection.file.open(file -> FaceDetector.open(file, detection.settings));
            try {
                return new SharedModel(model.open(file -> settings.load(file, detector)), detector);
            } catch (RuntimeException e) {
                if (detector != null) {
                    detector.close();
                }
                throw e;
            }
        }
    }

    /** @throws IllegalStateException when there are none, with which embedding would be very slow */
    static void requireInstructions(boolean forHalf) {
        if (!forHalf) {
            throw new IllegalStateException("this executor's processor must have instructions for bfloat16, which the"
                    + " driver has chosen for all executors, but has none; embed in float32: EmbedJob"
                    + " --arithmetic fp32, or FaceEmbedding.withOptions with arithmetic FP32");
        }
    }

    private final PreparedRecognizer recognizer;
    private final @Nullable FaceDetector detector;
    private int tasks;

    private SharedModel(PreparedRecognizer recognizer, @Nullable FaceDetector detector) {
        this.recognizer = recognizer;
        this.detector = detector;
    }

    /** Returns the model for a task, which closes it at its end. */
    static SharedModel acquire(Recipe recipe) {
        synchronized (OPEN) { // other tasks wait while it is prepared
            String key = recipe.key();
            SharedModel model = OPEN.get(key);
            if (model == null) {
                closeIdle();
                model = recipe.prepare();
                OPEN.put(key, model);
            }
            model.tasks++;
            return model;
        }
    }

    private static void closeIdle() {
        Iterator<SharedModel> models = OPEN.values().iterator();
        while (models.hasNext()) {
            SharedModel model = models.next();
            if (model.tasks == 0) {
                models.remove();
                model.free();
            }
        }
    }

    private void free() {
        recognizer.close();
        if (detector != null) {
            detector.close();
        }
    }

    /** Returns the model; borrowed until this is closed. */
    PreparedRecognizer recognizer() {
        return recognizer;
    }

    /** Ends a task's use. */
    @Override
    public void close() {
        synchronized (OPEN) {
            tasks--;
        }
    }

    /** Returns the number of models that are open in this process. */
    static int open() {
        synchronized (OPEN) {
            return OPEN.size();
        }
    }
}
