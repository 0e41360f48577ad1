package org.facerecognition.data;

import java.util.LinkedHashSet;
import java.util.Set;
import org.facerecognition.data.CroppedFace.Fallback;
import org.jspecify.annotations.Nullable;

/** How faces are found in the images of a data set and cut out. */
public final class FaceFinding {
    private FaceFinding() {}

    /**
     * Describes all ways in which faces are found in a data set: detectors with their settings, the choice among
     * several faces, the size of the crops, what happens without a face.
     *
     * @return empty if there are only images as they are, or cropped by {@link FaceDataset#crop}
     */
    public static String in(FaceDataset faces) {
        Set<String> all = new LinkedHashSet<>();
        CroppedFace last = null;
        for (LabeledImage image : faces.images()) {
            if (image.image() instanceof CroppedFace face
                    && (last == null || last.cropper() != face.cropper() || last.fallback() != face.fallback())) {
                last = face;
                all.add(description(face.cropper(), face.fallback()));
            }
        }
        return String.join("; ", all);
    }

    private static String description(FaceCropper cropper, @Nullable Fallback fallback) {
        return EmbeddingMode.of(cropper, false, EmbeddingMode.FLOAT32) + ", " + cropper.sizePx() + " px, "
                + cropper.crop() + ", without a face " + (fallback == null ? "rejected" : fallback.crop());
    }
}
