package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_core.ROTATE_180;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_90_CLOCKWISE;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_90_COUNTERCLOCKWISE;
import static org.bytedeco.opencv.global.opencv_core.rotate;

import org.bytedeco.opencv.opencv_core.Mat;

/** A way to turn an image, and to map faces that were found in the turned image back. */
enum Turn {
    CLOCKWISE(ROTATE_90_CLOCKWISE) {
        @Override
        DetectedFace back(DetectedFace face, int width, int height) {
            DetectedFace.Box box = face.box();
            return face.mapped(
                    new DetectedFace.Box(box.y(), height - 1 - box.x() - box.width(), box.height(), box.width()),
                    point -> new DetectedFace.Point(point.y(), height - 1 - point.x()));
        }
    },

    UPSIDE_DOWN(ROTATE_180) {
        @Override
        DetectedFace back(DetectedFace face, int width, int height) {
            DetectedFace.Box box = face.box();
            return face.mapped(
                    new DetectedFace.Box(
                            width - 1 - box.x() - box.width(),
                            height - 1 - box.y() - box.height(),
                            box.width(),
                            box.height()),
                    point -> new DetectedFace.Point(width - 1 - point.x(), height - 1 - point.y()));
        }
    },

    COUNTERCLOCKWISE(ROTATE_90_COUNTERCLOCKWISE) {
        @Override
        DetectedFace back(DetectedFace face, int width, int height) {
            DetectedFace.Box box = face.box();
            return face.mapped(
                    new DetectedFace.Box(width - 1 - box.y() - box.height(), box.x(), box.height(), box.width()),
                    point -> new DetectedFace.Point(width - 1 - point.y(), point.x()));
        }
    };

    private final int code;

    Turn(int code) {
        this.code = code;
    }

    /** Turns an image; the result is owned. */
    Mat apply(Mat image) {
        Mat turned = new Mat();
        rotate(image, turned, code);
        return turned;
    }

    /**
     * Maps a face back.
     *
     * @param face in pixels of the turned image
     * @param width of the image before it was turned
     * @param height of the image before it was turned
     */
    abstract DetectedFace back(DetectedFace face, int width, int height);
}
