package org.facerecognition.vision;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Non-maximum suppression: of boxes that overlap, the best one is kept. */
final class Overlap {
    private static final double MAX_WITHIN = 0.8; // share of the smaller box

    private Overlap() {}

    /**
     * Removes faces whose box overlaps that of a better one.
     *
     * @param faces the best first
     * @param maxIou maximum intersection over union of two boxes that are both kept
     * @return the faces that are kept, in the same order
     */
    static List<DetectedFace> suppress(List<DetectedFace> faces, double maxIou) {
        return suppress(faces, maxIou, box -> box);
    }

    /** As {@link #suppress(List, double)}, with boxes whose numbers are cut to integers, as OpenCV does for YuNet. */
    static List<DetectedFace> suppressRounded(List<DetectedFace> faces, double maxIou) {
        return suppress(
                faces,
                maxIou,
                box -> new DetectedFace.Box((int) box.x(), (int) box.y(), (int) box.width(), (int) box.height()));
    }

    private static List<DetectedFace> suppress(
            List<DetectedFace> faces, double maxIou, UnaryOperator<DetectedFace.Box> measured) {
        List<DetectedFace> kept = new ArrayList<>();
        List<DetectedFace.Box> boxes = new ArrayList<>();
        for (DetectedFace face : faces) {
            DetectedFace.Box box = measured.apply(face.box());
            if (boxes.stream().noneMatch(better -> iou(better, box) > maxIou)) {
                kept.add(face);
                boxes.add(box);
            }
        }
        return kept;
    }

    /**
     * Removes faces that overlap a better one, where the faces were found in several views of an image: at another
     * scale a part of a face can look like a small face, so that boxes within a better one are removed too.
     *
     * @param faces the best first
     * @param maxIou maximum intersection over union of two boxes that are both kept
     * @return the faces that are kept, in the same order
     */
    static List<DetectedFace> merge(List<DetectedFace> faces, double maxIou) {
        List<DetectedFace> kept = new ArrayList<>();
        for (DetectedFace face : faces) {
            if (kept.stream()
                    .noneMatch(better -> iou(better.box(), face.box()) > maxIou
                            || intersection(better.box(), face.box())
                                    > MAX_WITHIN
                                            * Math.min(
                                                    better.box().area(),
                                                    face.box().area()))) {
                kept.add(face);
            }
        }
        return kept;
    }

    /** Returns the intersection over union of two boxes, from 0 to 1. */
    static double iou(DetectedFace.Box a, DetectedFace.Box b) {
        double shared = intersection(a, b);
        return shared == 0 ? 0 : shared / (a.area() + b.area() - shared);
    }

    private static double intersection(DetectedFace.Box a, DetectedFace.Box b) {
        double width = Math.min(a.x() + a.width(), b.x() + b.width()) - Math.max(a.x(), b.x());
        double height = Math.min(a.y() + a.height(), b.y() + b.height()) - Math.max(a.y(), b.y());
        return width > 0 && height > 0 ? width * height : 0;
    }
}
