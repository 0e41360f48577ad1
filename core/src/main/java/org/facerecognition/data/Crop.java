package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.util.Locale;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;
import org.facerecognition.vision.FaceAligner;

/**
 * How an image becomes the net's input: what is cut out of it before it is brought to the input's size. Belongs to a
 * model, which must see faces as it saw them in training.
 */
public enum Crop {
    /** The whole image, resized. For crops of faces. */
    WHOLE(0, 0) {
        @Override
        Mat cut(Mat image, int sizePx) {
            return resized(image, sizePx);
        }
    },

    /** Of CelebA's aligned 178x218 images, rows 77 to 177 and columns 45 to 128, resized: the study's crop. */
    CELEBA_CROP(178, 218) {
        @Override
        Mat cut(Mat image, int sizePx) {
            try (Rect face = new Rect(CROP_X_PX, CROP_Y_PX, 83, 100);
                    Mat crop = new Mat(image, face)) {
                return resized(crop, sizePx);
            }
        }
    },

    /** CelebA's aligned 178x218 images, moved onto the 112x112 template by CelebA's mean points. */
    CELEBA_ALIGNED(178, 218) {
        @Override
        Mat cut(Mat image, int sizePx) {
            return FaceAligner.align(image, CELEBA_MEAN_POINTS, sizePx);
        }
    },

    /** The study's crops as they are, 83x100: the net sees what {@link #CELEBA_CROP} shows it of the whole image. */
    CELEBA_CROPPED(83, 100) {
        @Override
        Mat cut(Mat image, int sizePx) {
            return resized(image, sizePx);
        }

        @Override
        Crop forWholeImages() {
            return CELEBA_CROP;
        }
    },

    /** The study's crops, 83x100, moved onto the template as {@link #CELEBA_ALIGNED}; black where they end. */
    CELEBA_CROP_ALIGNED(83, 100) {
        @Override
        Mat cut(Mat image, int sizePx) {
            double[][] points = new double[CELEBA_MEAN_POINTS.length][];
            for (int i = 0; i < points.length; i++) {
                points[i] = new double[] {CELEBA_MEAN_POINTS[i][0] - CROP_X_PX, CELEBA_MEAN_POINTS[i][1] - CROP_Y_PX};
            }
            return FaceAligner.align(image, points, sizePx);
        }

        @Override
        Crop forWholeImages() {
            return CELEBA_ALIGNED;
        }
    };

    private static final int CROP_X_PX = 45;
    private static final int CROP_Y_PX = 77;

    /** Mean landmarks of CelebA's aligned images, over 6,038 of them. */
    private static final double[][] CELEBA_MEAN_POINTS = {
        {69.3, 111.2}, {107.7, 111.2}, {88.0, 135.2}, {71.3, 152.1}, {105.5, 152.2}
    };

    private final int widthPx; // 0 for any
    private final int heightPx;

    Crop(int widthPx, int heightPx) {
        this.widthPx = widthPx;
        this.heightPx = heightPx;
    }

    /**
     * Cuts the face out.
     *
     * @param image RGB, CV_8UC3; untouched
     * @param sizePx side of the square result
     * @param name what to call the image in messages
     * @return sizePx x sizePx; the caller closes it
     * @throws DataException when the image has not the size that this framing is made for
     */
    public Mat apply(Mat image, int sizePx, String name) {
        if (widthPx != 0 && (image.cols() != widthPx || image.rows() != heightPx)) {
            throw new DataException("image " + name + " must be " + widthPx + "x" + heightPx + " for framing " + this
                    + ", but was " + image.cols() + "x" + image.rows() + "; for crops of faces use framing whole");
        }
        return cut(image, sizePx);
    }

    /**
     * Whether a net that has seen faces framed so may be given faces that a detector has found, moved onto the template by
     * their own points. Of whole images it is taken that they are such crops already, as the field's data sets' are.
     */
    public boolean takesAlignedFaces() {
        return forWholeImages() != CELEBA_CROP;
    }

    abstract Mat cut(Mat image, int sizePx);

    /** The framing of whole images that shows a net the same. */
    Crop forWholeImages() {
        return this;
    }

    /**
     * Whether a model that was trained with the other framing sees faces in this one as it knows them. Whole images are
     * taken to be faces on the template already, as the field's verification sets are.
     */
    public boolean isCompatibleWith(Crop trained) {
        return forWholeImages() == trained.forWholeImages() || (this == WHOLE && trained.takesAlignedFaces());
    }

    /** The framing for the study's crops that shows a model what it was trained on. */
    public Crop ofCrops() {
        return switch (this) {
            case WHOLE -> WHOLE;
            case CELEBA_CROP, CELEBA_CROPPED -> CELEBA_CROPPED;
            case CELEBA_ALIGNED, CELEBA_CROP_ALIGNED -> CELEBA_CROP_ALIGNED;
        };
    }

    /** Bilinear when it grows, area means when it shrinks, so that fine detail does not alias. */
    private static Mat resized(Mat image, int sizePx) {
        Mat result = new Mat();
        boolean shrinks = image.cols() > sizePx && image.rows() > sizePx;
        try (Size size = new Size(sizePx, sizePx)) {
            resize(image, result, size, 0, 0, shrinks ? INTER_AREA : INTER_LINEAR);
        }
        return result;
    }

    /** The name on the command line: {@code celeba-crop}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
