package org.facerecognition.vision;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.indexer.FloatIndexer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.opencv.opencv_objdetect.FaceDetectorYN;
import org.facerecognition.natives.Processors;

/**
 * A pool of OpenCV's YuNet detectors, which makes them usable from many threads.
 *
 * <p>OpenCV's detector keeps the size of its last image and buffers for it, so that one must not serve two threads at
 * the same time. The pool has at most as many as there are processors (and at least two), since more would only wait
 * for one another; detectors that are not in use are kept for the next caller.
 */
final class DetectorPool implements AutoCloseable {
    static final int COLUMNS = 15; // x, y, width, height, five times x and y, score
    static final int PROBE_PX = 64;

    private final byte[] model;
    private final String name;
    private final FaceDetector.Settings settings;
    private final Deque<FaceDetectorYN> idle = new ArrayDeque<>(); // guarded by itself
    private final Semaphore permits = new Semaphore(Math.max(2, Processors.count()), true);

    /**
     * @param model the bytes of YuNet's .onnx file
     * @param name of the file, for messages
     */
    DetectorPool(byte[] model, String name, FaceDetector.Settings settings) {
        this.model = model;
        this.name = name;
        this.settings = settings;
    }

    /**
     * Runs a detector on an image.
     *
     * @param input BGR, CV_8UC3; borrowed
     * @return one row of {@link #COLUMNS} numbers per face, in pixels of {@code input}
     * @throws DetectorException when OpenCV cannot load the model or run it
     */
    float[][] detect(Mat input) {
        FaceDetectorYN detector = acquire();
        try (Mat found = new Mat();
                Size size = new Size(input.cols(), input.rows())) {
            detector.setInputSize(size);
            detector.detect(input, found);
            return rows(found);
        } catch (RuntimeException e) {
            throw new DetectorException(
                    "face detector " + name + " cannot process an image of " + input.cols() + "x" + input.rows()
                            + "; is it YuNet's .onnx file? OpenCV says: " + firstLine(e),
                    e);
        } finally {
            release(detector);
        }
    }

    private static float[][] rows(Mat found) {
        float[][] rows = new float[found.rows()][COLUMNS];
        if (rows.length > 0) {
            try (FloatIndexer values = found.createIndexer()) {
                for (int i = 0; i < rows.length; i++) {
                    values.get(i, 0, rows[i]);
                }
            }
        }
        return rows;
    }

    private FaceDetectorYN acquire() {
        permits.acquireUninterruptibly();
        try {
            synchronized (idle) {
                if (!idle.isEmpty()) {
                    return idle.pop();
                }
            }
            return create();
        } catch (RuntimeException e) {
            permits.release();
            throw e;
        }
    }

    private void release(FaceDetectorYN detector) {
        synchronized (idle) {
            idle.push(detector);
        }
        permits.release();
    }

    private FaceDetectorYN create() {
        try (PointerScope scope = new PointerScope(); // a scope of the caller must not close the detector
                Size size = new Size(PROBE_PX, PROBE_PX)) {
            FaceDetectorYN detector = FaceDetectorYN.create(
                    "onnx",
                    model,
                    new byte[0],
                    size,
                    (float) settings.scoreThreshold(),
                    (float) settings.nmsThreshold(),
                    settings.topK(),
                    0, // OpenCV's own backend
                    0); // on the CPU
            OpenCvThreads.bound();
            return detector.retainReference();
        } catch (RuntimeException e) {
            throw new DetectorException(
                    "face detector " + name + " must be YuNet's .onnx file (face_detection_yunet_2023mar.onnx), but"
                            + " OpenCV says: " + firstLine(e),
                    e);
        }
    }

    private static String firstLine(RuntimeException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given");
    }

    /** Frees the idle detectors; none may be in use. */
    @Override
    public void close() {
        idle.forEach(FaceDetectorYN::close);
    }
}
