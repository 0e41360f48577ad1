package org.facerecognition.spark;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * A prepared model that all tasks of this process share. It stays open after its last task, for those that come, until
 * tasks need another one.
 */
final class SharedModel implements AutoCloseable {
    private static final Map<EmbedSettings, SharedModel> OPEN = new HashMap<>();

    private final PreparedRecognizer recognizer;
    private final @Nullable FaceDetector detector;
    private int tasks;

    private SharedModel(PreparedRecognizer recognizer, @Nullable FaceDetector detector) {
        this.recognizer = recognizer;
        this.detector = detector;
    }

    /** Returns the model for a task, which closes it at its end. */
    static SharedModel acquire(EmbedSettings settings) {
        synchronized (OPEN) { // other tasks wait while it is loaded
            SharedModel model = OPEN.get(settings);
            if (model == null) {
                closeIdle();
                model = load(settings);
                OPEN.put(settings, model);
            }
            model.tasks++;
            return model;
        }
    }

    private static SharedModel load(EmbedSettings settings) {
        ExecutorProcess.prepare(settings.threads());
        FaceDetector detector = settings.openDetector();
        try {
            return new SharedModel(settings.load(detector), detector);
        } catch (RuntimeException e) {
            if (detector != null) {
                detector.close();
            }
            throw e;
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
