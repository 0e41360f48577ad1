package org.facerecognition;

import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.ImageSource;
import org.facerecognition.vision.DetectedFace;

/**
 * A face in an image, and its embedding.
 *
 * @param where it is in the image
 * @param embedding of Euclidean norm 1; not copied
 */
public record EmbeddedFace(DetectedFace where, float[] embedding) {
    /** Embeds a number of network inputs, each made by its index. */
    interface Embedding {
        List<float[]> of(int count, IntFunction<Mat> input);
    }

    /** Returns all faces of an image that can be embedded, the most prominent first. */
    static List<EmbeddedFace> all(ImageSource image, FaceCropper cropper, Embedding embedding) {
        List<FaceCropper.Located> found = cropper.locateAll(image);
        try {
            List<float[]> embeddings =
                    embedding.of(found.size(), i -> found.get(i).pixels());
            return IntStream.range(0, found.size())
                    .mapToObj(i -> new EmbeddedFace(found.get(i).face().orElseThrow(), embeddings.get(i)))
                    .toList();
        } finally {
            found.forEach(face -> face.pixels().close());
        }
    }
}
