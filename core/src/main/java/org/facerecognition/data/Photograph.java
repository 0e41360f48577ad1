package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.BORDER_ISOLATED;
import static org.bytedeco.opencv.global.opencv_core.BORDER_REPLICATE;
import static org.bytedeco.opencv.global.opencv_core.copyMakeBorder;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.DetectorException;
import org.facerecognition.vision.FaceAligner;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.vision.FaceTemplate;
import org.jspecify.annotations.Nullable;

/**
 * A photograph in which a detector looks for faces. Everything that detects faces and cuts them out does it here, so
 * that all ways from one photograph lead to the same crops.
 *
 * <p>A photograph whose shorter side is at least three times the detector's largest side, 1,920 pixels by default, is
 * reduced to a half, a quarter or an eighth first: a JPEG while it is decoded, which saves most of that work (where
 * its EXIF orientation turns it, by a factor that divides its sides), and another image by averaging. The detector
 * would reduce it further in any case. A crop is made from the reduced image where the face is at least as large there
 * as in the crop, and from the whole otherwise; the former has less aliasing. Nothing is reduced for a detector that
 * uses tiles or has a {@link FaceDetector.Settings#smallestFacePx} above the default. A file of less than 32 MiB is
 * read only once.
 *
 * <p>For one thread at a time. All coordinates are those of the whole image.
 */
public final class Photograph implements AutoCloseable {
    private final String name;
    private final FaceDetector detector;
    private final int widthPx;
    private final int heightPx;
    private Mat searched; // the whole image or a reduced one
    private int factor; // by which it is reduced
    private @Nullable Mat whole; // once it is read
    private @Nullable ImageSource source; // of the whole image, until it is read

    private Photograph(ImageSource source, String name, FaceDetector detector, ImageSource.Reduced read) {
        this.name = name;
        this.detector = detector;
        this.widthPx = read.widthPx();
        this.heightPx = read.heightPx();
        this.searched = read.pixels();
        this.factor = read.factor();
        this.whole = factor == 1 ? searched : null;
        this.source = factor == 1 ? null : source;
    }

    /**
     * Reads a photograph.
     *
     * @param detector that will be used; borrowed
     * @return owned
     * @throws DataException when the image cannot be read
     */
    public static Photograph read(ImageSource image, FaceDetector detector) {
        // a file may be replaced or removed while faces are looked for
        return image.readOnce((once, later) -> read(once, later, image.name(), detector));
    }

    /** Returns how long a shorter side must be: the detector reduces it further, without losing detail. */
    static int sufficientPx(FaceDetector.Settings settings) {
        return settings.largestSidePx() * 3 / 2;
    }

    private static Photograph read(ImageSource image, ImageSource later, String name, FaceDetector detector) {
        FaceDetector.Settings settings = detector.settings();
        if (settings.tiles() || settings.smallestFacePx() > FaceDetector.Settings.DEFAULT.smallestFacePx()) {
            return new Photograph(later, name, detector, ImageSource.Reduced.whole(image.read()));
        }
        int sufficientPx = sufficientPx(settings);
        Photograph photograph = new Photograph(later, name, detector, image.readReduced(sufficientPx));
        if (photograph.factor == 1) {
            int times = ImageReader.reduction(Math.min(photograph.widthPx, photograph.heightPx), sufficientPx);
            try {
                photograph.reduce(times);
            } catch (RuntimeException | Error e) {
                photograph.close();
                throw e;
            }
        }
        return photograph;
    }

    /** Runs a step; what OpenCV or the detector cannot do with this image is a problem of this image. */
    private <R> R step(Supplier<R> step) {
        try {
            return step.get();
        } catch (DetectorException e) {
            throw new DataException("image " + name + " cannot be searched for faces: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            if (e.getClass() != RuntimeException.class) { // that of OpenCV's errors
                throw e;
            }
            throw new DataException("image " + name + " cannot be processed: " + NativeErrors.reason(e), e);
        }
    }

    private void reduce(int times) {
        if (times > 1) {
            searched = step(() -> reduced(searched, times));
            factor = times;
        }
    }

    /** Averages squares of pixels; at the right and the bottom, the last pixels are repeated where some are missing. */
    private static Mat reduced(Mat image, int times) {
        int width = (image.cols() + times - 1) / times;
        int height = (image.rows() + times - 1) / times;
        try (Mat extended = new Mat();
                Size size = new Size(width, height);
                Scalar unused = new Scalar()) {
            boolean whole = image.cols() == width * times && image.rows() == height * times;
            if (!whole) {
                copyMakeBorder(
                        image,
                        extended,
                        0,
                        height * times - image.rows(),
                        0,
                        width * times - image.cols(),
                        BORDER_REPLICATE | BORDER_ISOLATED, // of a region, not the image around it
                        unused);
            }
            Mat small = new Mat();
            resize(whole ? image : extended, small, size, 0, 0, INTER_AREA);
            return small;
        }
    }

    /** Returns the width of the whole image. */
    public int widthPx() {
        return widthPx;
    }

    /** Returns the height of the whole image. */
    public int heightPx() {
        return heightPx;
    }

    /**
     * Finds all faces, the most prominent first. Where a reduced image shows none, the whole image is searched.
     *
     * @throws DataException when the image cannot be searched, or the whole image is needed and cannot be read
     */
    public List<DetectedFace> detect() {
        List<DetectedFace> faces = step(() -> detector.detect(searched));
        if (factor == 1) {
            return faces;
        }
        if (!faces.isEmpty()) {
            return faces.stream().map(face -> face.scaled(factor)).toList();
        }
        Mat larger = whole();
        searched.close();
        searched = larger;
        factor = 1;
        return step(() -> detector.detect(searched));
    }

    /** Returns whether a face of this photograph is upside down; see {@link FaceDetector#isUpsideDown}. */
    public boolean isUpsideDown(DetectedFace face) {
        return step(() -> detector.isUpsideDown(searched, inSearched(face)));
    }

    /** Returns whether a face of this photograph can be embedded; see {@link FaceDetector#isUsable}. */
    public boolean isUsable(DetectedFace face) {
        return step(() -> detector.isUsable(searched, inSearched(face)));
    }

    /**
     * Crops an aligned face; see {@link FaceAligner#align(Mat, double[][], FaceTemplate)}.
     *
     * @return RGB, CV_8UC3, of the template's size; owned
     * @throws DataException when the whole image is needed and cannot be read
     */
    public Mat align(DetectedFace face, FaceTemplate template) {
        double[][] points = inSearched(face).pointArray();
        return step(() -> factor == 1 || FaceAligner.scale(points, template) <= 1
                ? FaceAligner.align(searched, points, template)
                : FaceAligner.align(whole(), face.pointArray(), template));
    }

    private DetectedFace inSearched(DetectedFace face) {
        return factor == 1 ? face : face.scaled(1.0 / factor);
    }

    private Mat whole() {
        Mat read = whole;
        if (read == null) {
            read = Objects.requireNonNull(source, "source").read();
            whole = read;
            source = null; // which may hold the bytes of a file
        }
        return read;
    }

    /** Frees the pixels. Closing twice has no further effect. */
    @Override
    public void close() {
        searched.close();
        Mat read = whole;
        if (read != null) {
            read.close();
        }
    }
}
