package org.facerecognition.examples.web;

import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceDetector;

/**
 * A detector that finds the same faces in every image.
 *
 * @param found called by each detection
 * @param upsideDown whether all of them are
 */
public record StubDetector(FaceDetector.Settings settings, Supplier<List<DetectedFace>> found, boolean upsideDown)
        implements FaceDetector {
    /** Returns a face whose landmarks are a quarter as far apart as in a crop of 112 pixels. */
    public static DetectedFace face(double x, double y) {
        return new DetectedFace(
                new DetectedFace.Box(x, y, 28, 34),
                List.of(
                        new DetectedFace.Point(x + 9.5, y + 13),
                        new DetectedFace.Point(x + 18.5, y + 13),
                        new DetectedFace.Point(x + 14, y + 18),
                        new DetectedFace.Point(x + 10.5, y + 23),
                        new DetectedFace.Point(x + 17.5, y + 23)),
                0.8);
    }

    @Override
    public String fingerprint() {
        return "stub";
    }

    @Override
    public List<DetectedFace> detect(Mat image) {
        return found.get();
    }

    @Override
    public boolean isUpsideDown(Mat image, DetectedFace face) {
        return upsideDown;
    }

    @Override
    public void close() {}
}
