package org.facerecognition.vision;

import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * Detects in overlapping tiles of an image in addition to the whole one, so that small faces of a large image are found
 * without losing large ones.
 *
 * <p>Neighboring tiles share a quarter of their side. A face up to that size lies in at least one tile as a whole; one
 * that a border between tiles cuts is dropped where it is cut. Larger faces are found in an image that is reduced to a
 * fourth and cut into tiles likewise, and so on until the whole image fits into one tile.
 */
final class Tiling {
    private static final int SHARED = 4; // a fourth of the side
    private static final int REDUCTION = 4;

    private final int sidePx;
    private final Function<Mat, List<DetectedFace>> detector;

    /**
     * @param sidePx of a tile
     * @param detector finds faces in an image whose sides are {@code sidePx} at most, which it borrows
     */
    Tiling(int sidePx, Function<Mat, List<DetectedFace>> detector) {
        this.sidePx = sidePx;
        this.detector = detector;
    }

    /** Returns the faces in the tiles of an image that is larger than a tile, and of the reduced images. */
    List<DetectedFace> detect(Mat image) {
        List<DetectedFace> faces = new ArrayList<>(detectInTiles(image));
        int width = Math.max(1, image.cols() / REDUCTION);
        int height = Math.max(1, image.rows() / REDUCTION);
        if (Math.max(width, height) > sidePx) {
            try (Mat reduced = new Mat();
                    Size size = new Size(width, height)) {
                resize(image, reduced, size, 0, 0, INTER_AREA);
                detect(reduced)
                        .forEach(face ->
                                faces.add(face.scaled((double) image.cols() / width, (double) image.rows() / height)));
            }
        }
        return faces;
    }

    private List<DetectedFace> detectInTiles(Mat image) {
        List<DetectedFace> faces = new ArrayList<>();
        for (int y : starts(image.rows(), sidePx)) {
            for (int x : starts(image.cols(), sidePx)) {
                int width = Math.min(sidePx, image.cols() - x);
                int height = Math.min(sidePx, image.rows() - y);
                try (Rect place = new Rect(x, y, width, height);
                        Mat tile = new Mat(image, place)) {
                    detector.apply(tile).stream()
                            .map(face -> face.shifted(place.x(), place.y()))
                            .filter(face -> isWhole(face.box(), place, image))
                            .forEach(faces::add);
                }
            }
        }
        return faces;
    }

    /** Returns whether no border of a tile cuts a box; the border of the image may. */
    private static boolean isWhole(DetectedFace.Box box, Rect tile, Mat image) {
        int right = tile.x() + tile.width();
        int bottom = tile.y() + tile.height();
        return (tile.x() == 0 || box.x() > tile.x())
                && (tile.y() == 0 || box.y() > tile.y())
                && (right == image.cols() || box.x() + box.width() < right)
                && (bottom == image.rows() || box.y() + box.height() < bottom);
    }

    /** Returns where tiles begin along one axis: evenly spread, sharing at least a quarter of their side. */
    static int[] starts(int length, int side) {
        if (length <= side) {
            return new int[] {0};
        }
        int maxStep = side - side / SHARED;
        int steps = (length - side + maxStep - 1) / maxStep;
        int[] starts = new int[steps + 1];
        for (int i = 0; i <= steps; i++) {
            starts[i] = (int) ((long) (length - side) * i / steps);
        }
        return starts;
    }
}
