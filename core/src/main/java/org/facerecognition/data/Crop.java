package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.util.Locale;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;
import org.facerecognition.vision.FaceAligner;
import org.facerecognition.vision.FaceTemplate;

/**
 * A rule for cutting the face out of an image before it is resized to the model's input. The crop belongs to a model:
 * it must be the one that the model was trained with.
 */
public enum Crop {
    /** The whole image, resized; for images that are crops of faces already. */
    WHOLE(0, 0) {
        @Override
        Mat cut(Mat image, int sizePx) {
            return resized(image, sizePx);
        }
    },

    /**
     * The whole image, resized as by {@link #WHOLE}, for crops that show more beside the face and below it, as
     * insightface makes them where the side is 128 pixels or a multiple: see {@link FaceTemplate#wide}. A detector's
     * faces are aligned to that template.
     */
    WIDE(0, 0) {
        @Override
        Mat cut(Mat image, int sizePx) {
            return resized(image, sizePx);
        }

        @Override
        Crop forWholeImages() {
            return WHOLE;
        }

        @Override
        FaceTemplate template(int sizePx) {
            return FaceTemplate.wide(sizePx);
        }
    },

    /** The study's crop of CelebA's aligned 178x218 images: rows 77 to 177 and columns 45 to 128, resized. */
    CELEBA_CROP(178, 218) {
        @Override
        Mat cut(Mat image, int sizePx) {
            try (Rect face = new Rect(CROP_X_PX, CROP_Y_PX, 83, 100);
                    Mat crop = new Mat(image, face)) {
                return resized(crop, sizePx);
            }
        }
    },

    /** CelebA's aligned 178x218 images, mapped to the 112x112 template by CelebA's mean landmarks. */
    CELEBA_ALIGNED(178, 218) {
        @Override
        Mat cut(Mat image, int sizePx) {
            return FaceAligner.align(image, CELEBA_MEAN_POINTS, sizePx);
        }
    },

    /** The study's crops of 83x100, resized: the same pixels that {@link #CELEBA_CROP} cuts out of the whole image. */
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

    /** The study's crops of 83x100, mapped to the template as by {@link #CELEBA_ALIGNED}; black outside of the crop. */
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

    /** Mean landmarks over 6,038 of CelebA's aligned images. */
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
     * @param image RGB, CV_8UC3; borrowed and not changed
     * @param sizePx side of the square result
     * @param name of the image in messages
     * @return sizePx x sizePx; owned
     * @throws DataException when the image does not have the size that this crop is made for
     * @throws IllegalArgumentException when it is closed, empty or of another type
     */
    public Mat apply(Mat image, int sizePx, String name) {
        RgbImages.require(image);
        if (widthPx != 0 && (image.cols() != widthPx || image.rows() != heightPx)) {
            throw new DataException("image " + name + " must be " + widthPx + "x" + heightPx + " for crop " + this
                    + ", but was " + image.cols() + "x" + image.rows() + "; that crop is for CelebA's aligned images: a"
                    + " model for others is trained with crop celeba-aligned (--align mean) or whole (--align none)");
        }
        return cut(image, sizePx);
    }

    /**
     * Returns whether a model that was trained with this crop can be given faces that a detector finds and aligns by
     * their own landmarks. Whole images are assumed to be aligned crops already, as in the field's data sets.
     */
    public boolean takesAlignedFaces() {
        return forWholeImages() != CELEBA_CROP;
    }

    abstract Mat cut(Mat image, int sizePx);

    /** Returns whether images are taken for aligned crops and resized. */
    boolean takesWholeImages() {
        return this == WHOLE || this == WIDE;
    }

    /** Returns the template that a detector's faces are aligned to. */
    FaceTemplate template(int sizePx) {
        return FaceTemplate.square(sizePx);
    }

    /** Returns the crop of whole CelebA images that shows a model the same pixels. */
    Crop forWholeImages() {
        return this;
    }

    /**
     * Returns whether a model that was trained with the other crop can be given faces with this one. Whole images are
     * assumed to be aligned crops already, as in the field's verification sets; wide ones are what they say.
     */
    public boolean isCompatibleWith(Crop trained) {
        if (this == WIDE) {
            return trained == WIDE;
        }
        return forWholeImages() == trained.forWholeImages() || (this == WHOLE && trained.takesAlignedFaces());
    }

    /** Returns the crop for the study's 83x100 images that shows a model the pixels it was trained on. */
    public Crop ofCrops() {
        return switch (this) {
            case WHOLE, WIDE -> this;
            case CELEBA_CROP, CELEBA_CROPPED -> CELEBA_CROPPED;
            case CELEBA_ALIGNED, CELEBA_CROP_ALIGNED -> CELEBA_CROP_ALIGNED;
        };
    }

    /** Resizes: bilinear when it enlarges, by area when it reduces both sides, so that fine detail does not alias. */
    private static Mat resized(Mat image, int sizePx) {
        Mat result = new Mat();
        boolean reduces = image.cols() > sizePx && image.rows() > sizePx;
        try (Size size = new Size(sizePx, sizePx)) {
            resize(image, result, size, 0, 0, reduces ? INTER_AREA : INTER_LINEAR);
        }
        return result;
    }

    /** Returns the name on the command line, such as {@code celeba-crop}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
