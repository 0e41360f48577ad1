package org.facerecognition.data;

import java.util.Optional;
import java.util.function.Consumer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.vision.DetectedFace;
import org.jspecify.annotations.Nullable;

/**
 * The face that an image shows, cut out by a {@link FaceCropper} with a detector.
 *
 * @param whole image
 * @param cropper with a detector
 * @param notFound what becomes of an image in which no face is found; null to reject it
 */
record CroppedFace(
        ImageSource whole, FaceCropper cropper, @Nullable Fallback notFound) implements ImageSource {
    /**
     * For images in which no face is found.
     *
     * @param crop cuts the face out instead
     * @param told of each such image
     */
    record Fallback(Crop crop, Consumer<ImageSource> told) {}

    @Override
    public String name() {
        return whole.name();
    }

    @Override
    public Mat read() {
        if (notFound == null) {
            return cropper.crop(whole);
        }
        try (Mat image = whole.read()) {
            Optional<DetectedFace> face = cropper.find(image, name());
            if (face.isEmpty()) {
                notFound.told.accept(whole);
                return notFound.crop.apply(image, cropper.sizePx(), name());
            }
            return cropper.align(image, face.get());
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
    public int framedPx() {
        return cropper.sizePx();
    }
}
