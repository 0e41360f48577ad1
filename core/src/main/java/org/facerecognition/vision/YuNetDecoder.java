package org.facerecognition.vision;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.facerecognition.vision.Heads.Head;

/** Makes faces of the outputs of {@link YuNet}, as OpenCV's {@code FaceDetectorYN} does. */
final class YuNetDecoder {
    /** Numbers of a place, by head: the class, whether there is an object, the box, the landmarks. */
    static final int[] NUMBERS = {1, 1, 4, 2 * DetectedFace.POINTS};

    private static final int CLASS = 0;
    private static final int OBJECT = 1;
    private static final int BOX = 2;
    private static final int POINTS = 3;

    private YuNetDecoder() {}

    static List<DetectedFace> faces(Heads heads, FaceDetector.Settings settings) {
        List<DetectedFace> candidates = new ArrayList<>();
        float minScore = (float) settings.scoreThreshold();
        for (int grid = 0; grid < Heads.STRIDES.length; grid++) {
            Head classes = heads.head(CLASS, grid);
            Head objects = heads.head(OBJECT, grid);
            for (int place = 0; place < heads.places(grid); place++) {
                float score = (float) Math.sqrt(unit(classes.at(place, 0)) * unit(objects.at(place, 0)));
                if (score >= minScore) {
                    candidates.add(face(heads, grid, place, score));
                }
            }
        }
        candidates.sort(Comparator.comparingDouble(DetectedFace::score).reversed());
        List<DetectedFace> best = candidates.subList(0, Math.min(candidates.size(), settings.topK()));
        return Overlap.suppressRounded(best, settings.nmsThreshold());
    }

    private static float unit(float value) {
        return Math.max(0, Math.min(1, value));
    }

    private static DetectedFace face(Heads heads, int grid, int place, float score) {
        float stride = Heads.STRIDES[grid];
        float column = place % heads.columns(grid);
        float row = place / heads.columns(grid);
        Head box = heads.head(BOX, grid);
        Head points = heads.head(POINTS, grid);
        float width = (float) Math.exp(box.at(place, 2)) * stride;
        float height = (float) Math.exp(box.at(place, 3)) * stride;
        float x = (column + box.at(place, 0)) * stride - width / 2;
        float y = (row + box.at(place, 1)) * stride - height / 2;
        List<DetectedFace.Point> landmarks = new ArrayList<>();
        for (int i = 0; i < DetectedFace.POINTS; i++) {
            landmarks.add(new DetectedFace.Point(
                    (points.at(place, 2 * i) + column) * stride, (points.at(place, 2 * i + 1) + row) * stride));
        }
        return new DetectedFace(new DetectedFace.Box(x, y, width, height), landmarks, score);
    }
}
