package org.facerecognition.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageReader;
import org.facerecognition.synthetic.SyntheticFaces;

/** Small models and synthetic people. */
final class TestImages {
    /** A detector that takes a red square of 8 pixels for a face of 40x48. */
    static final Path DETECTOR = Path.of("../../core/src/test/resources/vision/squares.onnx");

    static final int EMBEDDING_SIZE = 16;
    private static final int MODEL_PX = 32;

    private TestImages() {}

    /** Writes an untrained model. */
    static Path model(Path file, long seed) {
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(EMBEDDING_SIZE)
                .classes(3)
                .imageSizePx(MODEL_PX)
                .seed(seed)
                .build())) {
            recognizer.save(file);
        }
        return file;
    }

    /** Writes images into one folder per person. */
    static Path people(Path root, int people, int imagesEach, int sizePx) throws IOException {
        SyntheticFaces faces = new SyntheticFaces(0, sizePx);
        for (int person = 0; person < people; person++) {
            Path folder = Files.createDirectories(root.resolve("Person " + person));
            for (int image = 0; image < imagesEach; image++) {
                try (Mat face = faces.image(person, image)) {
                    Files.write(folder.resolve(image + ".png"), ImageReader.png(face));
                }
            }
        }
        return root;
    }
}
