package org.facerecognition.vision;

import java.util.List;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.natives.NativeErrors;

/**
 * A network that finds faces in an image as it is: what surrounds it, such as reducing and enlarging images, is the
 * same for all networks and the task of {@link OnnxFaceDetector}. Thread-safe, except for {@link #close}.
 */
interface DetectionNetwork extends AutoCloseable {
    /** Side of an image with which a network is tried when it is opened. */
    int PROBE_PX = 64;

    /**
     * Finds faces.
     *
     * @param image RGB, CV_8UC3, of any size; borrowed and not changed
     * @return in pixels of {@code image}, in any order, without those that overlap a better one; not filtered by size
     * @throws DetectorException when OpenCV cannot load the network or run it
     */
    List<DetectedFace> detect(Mat image);

    /**
     * Returns the side to which it reduces larger images itself, whatever the settings are; the largest integer for a
     * network of any size, or of a size that follows the settings.
     */
    default int largestSidePx() {
        return Integer.MAX_VALUE;
    }

    /** Returns the score from which on a face is certainly not upside down; infinity if no score is enough for that. */
    double minUprightScore();

    /** Frees the memory; no call may be in progress. */
    @Override
    void close();

    /**
     * Runs an engine's network on an image.
     *
     * @param name of the file, for messages
     * @param numbers of a place, by head
     * @throws DetectorException when the engine fails, or the network has other outputs
     */
    static Heads heads(DetectionEngine.Network engine, String name, Mat image, int... numbers) {
        int width = Heads.canvas(image.cols());
        int height = Heads.canvas(image.rows());
        float[] maps;
        try {
            maps = engine.run(Pixels.of(image), image.rows(), image.cols(), height, width);
        } catch (RuntimeException e) {
            throw new DetectorException(
                    "face detector " + name + " cannot process an image of " + image.cols() + "x" + image.rows() + ": "
                            + NativeErrors.reason(e),
                    e);
        }
        return Heads.ofMaps(maps, engine.lengths(height, width), width, height, numbers);
    }
}
