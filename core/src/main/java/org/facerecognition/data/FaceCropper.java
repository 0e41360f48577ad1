package org.facerecognition.data;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceAligner;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * The one way from an image to a model's input: the crop used in training or, with a detector, the chosen face aligned
 * by its five landmarks. Immutable and thread-safe.
 *
 * @param crop used without a detector
 * @param sizePx side of the square result
 * @param detector finds the faces; borrowed. Null to use {@code crop}
 * @param choice which of several faces is used
 */
public record FaceCropper(Crop crop, int sizePx, @Nullable FaceDetector detector, FaceChoice choice) {
    /** @throws IllegalArgumentException when the size is not positive */
    public FaceCropper {
        if (sizePx < 1) {
            throw new IllegalArgumentException("sizePx must be at least 1, but was " + sizePx);
        }
    }

    /** Returns a cropper that cuts faces out at a fixed place, without a detector. */
    public static FaceCropper withoutDetector(Crop crop, int sizePx) {
        return new FaceCropper(crop, sizePx, null, FaceChoice.MOST_PROMINENT);
    }

    /**
     * A model's input, and where it comes from.
     *
     * @param pixels sizePx x sizePx, RGB, CV_8UC3; owned
     * @param face that was found in the image; empty without a detector
     */
    public record Located(Mat pixels, Optional<DetectedFace> face) {}

    /**
     * Reads an image and crops the model's input.
     *
     * @return sizePx x sizePx, RGB, CV_8UC3; owned
     * @throws DataException when the image cannot be read, does not have the size that the crop needs, or shows no
     *     face, several faces when {@link FaceChoice#ONLY} one is wanted, or a face that is upside down or has
     *     implausible landmarks
     */
    public Mat crop(ImageSource image) {
        return locate(image).pixels();
    }

    /**
     * Reads an image, crops the model's input and says where the face is in the image. A JPEG whose shorter side is
     * at least three times the detector's largest side is decoded at a half, a quarter or an eighth of its size, which
     * saves time and memory, unless the face is then smaller than the crop.
     *
     * @throws DataException as {@link #crop(ImageSource)}
     */
    public Located locate(ImageSource image) {
        if (detector == null) {
            try (Mat whole = image.read()) {
                return new Located(crop.apply(whole, sizePx, image.name()), Optional.empty());
            }
        }
        return locate(
                        image,
                        whole -> Optional.of(find(whole, image.name())
                                .orElseThrow(
                                        () -> new DataException(noFace(whole.cols(), whole.rows(), image.name())))))
                .orElseThrow();
    }

    /**
     * As {@link #locate(ImageSource)}, where there is a face that can be embedded.
     *
     * @return empty where {@link #findIfUsable} finds none
     * @throws DataException when the image cannot be read
     * @throws IllegalStateException when there is no detector
     */
    Optional<Located> locateIfUsable(ImageSource image) {
        return locate(image, this::findIfUsable);
    }

    /** Finds a face in the image, in a reduced one where that is enough, and aligns it. */
    private Optional<Located> locate(ImageSource image, Function<Mat, Optional<DetectedFace>> find) {
        ImageSource.Reduced read =
                mayReduce() ? image.readReduced(sufficientPx()) : new ImageSource.Reduced(image.read(), 1);
        try (Mat pixels = read.pixels()) {
            if (read.factor() == 1) {
                return find.apply(pixels).map(face -> new Located(align(pixels, face), Optional.of(face)));
            }
            Optional<DetectedFace> reduced = findIfUsable(pixels);
            if (reduced.isPresent()) {
                DetectedFace face = reduced.get().scaled(read.factor());
                if (FaceAligner.scale(reduced.get().pointArray(), sizePx) <= 1) {
                    return Optional.of(new Located(align(pixels, reduced.get()), Optional.of(face)));
                }
                try (Mat whole = image.read()) { // the crop is larger than the face in the reduced image
                    return Optional.of(new Located(align(whole, face), Optional.of(face)));
                }
            }
        }
        try (Mat whole = image.read()) { // it may show faces that are too small in the reduced image
            return find.apply(whole).map(face -> new Located(align(whole, face), Optional.of(face)));
        }
    }

    /** Returns whether a face that is found in a reduced image is the one that would be found in the whole image. */
    private boolean mayReduce() {
        FaceDetector.Settings settings = requireDetector().settings();
        return !settings.tiles()
                && settings.smallestFacePx() <= FaceDetector.Settings.DEFAULT.smallestFacePx()
                && (choice == FaceChoice.MOST_PROMINENT || choice == FaceChoice.LARGEST);
    }

    /** Returns the shorter side of a reduced image: the detector reduces it further, without losing detail. */
    private int sufficientPx() {
        return requireDetector().settings().largestSidePx() * 3 / 2;
    }

    /**
     * Finds the chosen face.
     *
     * @param whole RGB, CV_8UC3; borrowed
     * @param name of the image in messages
     * @return empty when no face is found
     * @throws DataException when there are several faces and {@link FaceChoice#ONLY} one is wanted, or the face is
     *     upside down or has implausible landmarks
     * @throws IllegalStateException when there is no detector
     */
    public Optional<DetectedFace> find(Mat whole, String name) {
        List<DetectedFace> faces = findAll(whole);
        if (choice == FaceChoice.ONLY && faces.size() > 1) {
            throw new DataException("image " + name + " must show only one face, but shows " + faces.size()
                    + "; cut the face out, or choose one: most-prominent, largest, most-central or highest-score");
        }
        Optional<DetectedFace> face = choice.of(faces, whole.cols(), whole.rows());
        face.ifPresent(found -> requireUsable(whole, found, name));
        return face;
    }

    /**
     * Finds the chosen face, if it can be embedded.
     *
     * @param whole RGB, CV_8UC3; borrowed
     * @return empty where {@link #find} would find none or throw a {@link DataException}
     * @throws IllegalStateException when there is no detector
     */
    public Optional<DetectedFace> findIfUsable(Mat whole) {
        try {
            return find(whole, "");
        } catch (DataException e) {
            return Optional.empty(); // several faces, or one that is upside down or has implausible landmarks
        }
    }

    private void requireUsable(Mat whole, DetectedFace face, String name) {
        if (requireDetector().isUpsideDown(whole, face)) {
            throw new DataException("image " + name + " shows its face upside down; turn it by 180 degrees");
        }
        if (!face.isPlausible()) {
            throw new DataException("image " + name + " shows a face whose five landmarks cannot be a face's; take one"
                    + " where it is upright, larger or clearer");
        }
    }

    /**
     * Finds all faces that can be embedded, the most prominent first: all but those that are upside down or have
     * implausible landmarks.
     *
     * @param whole RGB, CV_8UC3; borrowed
     * @throws IllegalStateException when there is no detector
     */
    public List<DetectedFace> findUsable(Mat whole) {
        FaceDetector finder = requireDetector();
        return finder.detect(whole).stream()
                .filter(face -> finder.isUsable(whole, face))
                .toList();
    }

    /**
     * Finds all faces, the most prominent first.
     *
     * @param whole RGB, CV_8UC3; borrowed
     * @throws IllegalStateException when there is no detector
     */
    public List<DetectedFace> findAll(Mat whole) {
        return requireDetector().detect(whole);
    }

    private FaceDetector requireDetector() {
        if (detector == null) {
            throw new IllegalStateException("a detector must be set to find faces, but there is none:"
                    + " recognizer.useDetector(FaceDetector.open(file))");
        }
        return detector;
    }

    /**
     * Crops the model's input for one of the faces.
     *
     * @return sizePx x sizePx, of the type of {@code whole}; owned
     */
    public Mat align(Mat whole, DetectedFace face) {
        return FaceAligner.align(whole, face.pointArray(), sizePx);
    }

    private String noFace(int widthPx, int heightPx, String name) {
        FaceDetector finder = requireDetector();
        FaceDetector.Settings settings = finder.settings();
        StringBuilder sentence = new StringBuilder(String.format(
                Locale.ROOT,
                "image %s must show a face, but none was found in its %dx%d pixels (score at least %s, side at least"
                        + " %d px)",
                name,
                widthPx,
                heightPx,
                settings.scoreThreshold(),
                settings.smallestFacePx()));
        OptionalInt smallest = finder.smallestVisibleFacePx(widthPx, heightPx);
        if (smallest.isPresent()) {
            sentence.append(String.format(
                    Locale.ROOT,
                    "; it was shrunk from %d to %d px, where faces smaller than about %d px are lost: raise the"
                            + " detector's largest side (--max-side) or use tiles (--tiles)",
                    Math.max(widthPx, heightPx),
                    settings.largestSidePx(),
                    smallest.getAsInt()));
        }
        return sentence.append("; take one where the face is upright, larger or clearer")
                .toString();
    }
}
