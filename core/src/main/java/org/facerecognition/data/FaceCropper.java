package org.facerecognition.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * The one way from an image to a model's input: the crop used in training or, with a detector, the chosen face aligned
 * by its five landmarks. Immutable and thread-safe.
 *
 * @param crop used without a detector; with one, it says whether the template is {@linkplain Crop#WIDE wide}
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
        Objects.requireNonNull(choice, "choice");
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
     * Reads an image, crops the model's input and says where the face is in the image; large photographs may be
     * reduced first, see {@link Photograph}.
     *
     * @throws DataException as {@link #crop(ImageSource)}
     */
    public Located locate(ImageSource image) {
        if (detector == null) {
            try (Mat whole = image.read()) {
                if (crop.takesWholeImages()) {
                    WholePhotographs.check(image.name(), whole.cols(), whole.rows(), sizePx);
                }
                return new Located(crop.apply(whole, sizePx, image.name()), Optional.empty());
            }
        }
        try (Photograph photograph = Photograph.read(image, detector)) {
            DetectedFace face = choose(photograph, photograph.detect(), image.name())
                    .orElseThrow(
                            () -> new DataException(noFace(photograph.widthPx(), photograph.heightPx(), image.name())));
            return located(photograph, face);
        }
    }

    /**
     * As {@link #locate(ImageSource)}, where there is a face that can be embedded.
     *
     * @return empty when there is none, there are several and {@link FaceChoice#ONLY} one is wanted, or the face is
     *     upside down or has implausible landmarks
     * @throws DataException when the image cannot be read
     * @throws IllegalStateException when there is no detector
     */
    Optional<Located> locateIfUsable(ImageSource image) {
        try (Photograph photograph = Photograph.read(image, requireDetector())) {
            return chooseIfUsable(photograph, photograph.detect()).map(face -> located(photograph, face));
        }
    }

    /**
     * Finds all faces that can be embedded, and crops the model's input for each, the most prominent first: all but
     * those that are upside down or have implausible landmarks.
     *
     * @return their pixels are owned
     * @throws DataException when the image cannot be read
     * @throws IllegalStateException when there is no detector
     */
    public List<Located> locateAll(ImageSource image) {
        List<Located> all = new ArrayList<>();
        try (Photograph photograph = Photograph.read(image, requireDetector())) {
            for (DetectedFace face : photograph.detect()) {
                if (photograph.isUsable(face)) {
                    all.add(located(photograph, face));
                }
            }
        } catch (RuntimeException e) {
            all.forEach(face -> face.pixels().close());
            throw e;
        }
        return all;
    }

    private Located located(Photograph photograph, DetectedFace face) {
        return new Located(photograph.align(face, crop.template(sizePx)), Optional.of(face));
    }

    private Optional<DetectedFace> chooseIfUsable(Photograph photograph, List<DetectedFace> faces) {
        try {
            return choose(photograph, faces, "");
        } catch (DataException e) {
            return Optional.empty(); // several faces, or one that is upside down or has implausible landmarks
        }
    }

    /**
     * @param faces of the photograph
     * @param name of the image in messages
     * @return empty when there are no faces
     * @throws DataException when there are several faces and {@link FaceChoice#ONLY} one is wanted, or the face is
     *     upside down or has implausible landmarks
     */
    private Optional<DetectedFace> choose(Photograph photograph, List<DetectedFace> faces, String name) {
        if (choice == FaceChoice.ONLY && faces.size() > 1) {
            throw new DataException("image " + name + " must show only one face, but shows " + faces.size()
                    + "; cut the face out, or choose one: most-prominent, largest, most-central or highest-score");
        }
        Optional<DetectedFace> chosen = choice.of(faces, photograph.widthPx(), photograph.heightPx());
        chosen.ifPresent(face -> requireUsable(photograph, face, name));
        return chosen;
    }

    private static void requireUsable(Photograph photograph, DetectedFace face, String name) {
        if (photograph.isUpsideDown(face)) {
            throw new DataException("image " + name + " shows its face upside down; turn it by 180 degrees");
        }
        if (!face.isPlausible()) {
            throw new DataException("image " + name + " shows a face whose five landmarks cannot be a face's; take one"
                    + " where it is upright, larger or clearer");
        }
    }

    private FaceDetector requireDetector() {
        if (detector == null) {
            throw new IllegalStateException("a detector must be set to find faces, but there is none:"
                    + " recognizer.useDetector(FaceDetector.open(file))");
        }
        return detector;
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
            int usedPx = Math.min(settings.largestSidePx(), finder.maxSidePx());
            String raise = usedPx < finder.maxSidePx() ? "raise the detector's largest side (--max-side) or " : "";
            sentence.append(String.format(
                    Locale.ROOT,
                    "; it was shrunk from %d to %d px, where faces smaller than about %d px are lost:"
                            + " %suse tiles (--tiles)",
                    Math.max(widthPx, heightPx),
                    usedPx,
                    smallest.getAsInt(),
                    raise));
        }
        return sentence.append("; take one where the face is upright, larger or clearer")
                .toString();
    }
}
