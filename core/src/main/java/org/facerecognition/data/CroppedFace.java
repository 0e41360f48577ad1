package org.facerecognition.data;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.jspecify.annotations.Nullable;

/**
 * The face in an image, cut out by a {@link FaceCropper}.
 *
 * @param whole the image
 * @param cropper cuts the face out
 * @param fallback what to do with an image in which no face is found; null to reject it
 */
record CroppedFace(
        ImageSource whole, FaceCropper cropper, @Nullable Fallback fallback) implements ImageSource {
    /**
     * The treatment of images in which no face is found that can be embedded.
     *
     * @param crop cuts the face out instead
     * @param listener receives each such image
     */
    record Fallback(Crop crop, Consumer<ImageSource> listener) {}

    /** Crops all images; without a detector, those that were packed after they had been cropped stay unchanged. */
    static List<LabeledImage> of(List<LabeledImage> images, FaceCropper cropper, @Nullable Fallback fallback) {
        return ImageList.map(
                images,
                image -> cropper.detector() == null && image.image().croppedPx() > 0
                        ? image
                        : new LabeledImage(new CroppedFace(image.image(), cropper, fallback), image.label()));
    }

    @Override
    public String name() {
        return whole.name();
    }

    @Override
    public Mat read() {
        if (fallback == null) {
            return cropper.crop(whole);
        }
        Optional<FaceCropper.Located> face = cropper.locateIfUsable(whole);
        if (face.isPresent()) {
            return face.get().pixels();
        }
        fallback.listener.accept(whole);
        try (Mat image = whole.read()) {
            return fallback.crop.apply(image, cropper.sizePx(), name());
        }
    }

    @Override
    public long contentBytes() {
        return whole.contentBytes();
    }

    @Override
    public long contentChecksum() {
        return whole.contentChecksum();
    }

    @Override
    public int croppedPx() {
        return cropper.sizePx();
    }
}
