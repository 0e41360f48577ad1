package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.function.UnaryOperator;
import org.facerecognition.SquareFaces;
import org.facerecognition.io.JsonFields;
import org.facerecognition.io.JsonTree;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.junit.jupiter.api.Test;

/** Tests that the settings of detection are part of the embedding mode, and that files of earlier versions are read. */
class EmbeddingModeTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static EmbeddingMode read(String json) throws Exception {
        return EmbeddingMode.of(JsonFields.of(JsonTree.read(json)));
    }

    private static EmbeddingMode mode(UnaryOperator<FaceDetector.Settings> settings) {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector(), settings)) {
            FaceCropper cropper = new FaceCropper(Crop.WHOLE, 112, detector, FaceChoice.MOST_PROMINENT);
            return EmbeddingMode.of(cropper, true, EmbeddingMode.FLOAT32);
        }
    }

    @Test
    void turnedImagesAndTilesAreOtherModes() throws Exception {
        EmbeddingMode plain = mode(defaults -> defaults);
        EmbeddingMode both = mode(defaults -> defaults.withRotations(true).withTiles(true));
        assertThat(mode(d -> d.withRotations(true))).isNotEqualTo(plain);
        assertThat(mode(d -> d.withTiles(true))).isNotEqualTo(plain);
        assertThat(both.toString()).contains("in at most 640 px), also turned, also in tiles, with mirror images");
        assertThat(read(JSON.writeValueAsString(both))).isEqualTo(both);
        EmbeddingMode cropped = new EmbeddingMode(null, false, "bfloat16");
        assertThat(read(JSON.writeValueAsString(cropped))).isEqualTo(cropped);
    }

    @Test
    void facesThatTheirDataSetCropsAreOfAnotherMode() throws Exception {
        EmbeddingMode plain = new EmbeddingMode(null, false, "float32");
        EmbeddingMode cropped = plain.forFaces(Crop.CELEBA_CROPPED, Crop.WHOLE);
        assertThat(cropped).isNotEqualTo(plain);
        assertThat(cropped)
                .hasToString("images cropped by their data set, celeba-crop, without mirror images, float32");
        assertThat(read(JSON.writeValueAsString(cropped))).isEqualTo(cropped);
        assertThat(plain.forFaces(Crop.CELEBA_CROPPED, Crop.CELEBA_CROP))
                .as("the same pixels")
                .isEqualTo(plain);
        EmbeddingMode wide = plain.forFaces(Crop.WIDE, Crop.WHOLE);
        assertThat(wide).hasToString("images cropped by their data set, wide, without mirror images, float32");
        assertThat(read(JSON.writeValueAsString(wide))).isEqualTo(wide);
        assertThat(plain.forFaces(Crop.WIDE, Crop.WIDE)).isEqualTo(plain);
        assertThat(plain.forFaces(Crop.WHOLE, Crop.WIDE))
                .as("taken to be aligned as the model wants them")
                .isEqualTo(plain);
        EmbeddingMode detected = mode(defaults -> defaults);
        assertThat(detected.forFaces(Crop.CELEBA_ALIGNED, Crop.WHOLE))
                .as("with a detector")
                .isEqualTo(detected);
    }

    /** What was written before there were rotations and tiles is read, and still written where neither is used. */
    @Test
    void modesOfEarlierVersionsStayTheSame() throws Exception {
        String former = "{\"detection\":{\"detector\":\"8f2383e4\",\"scoreThreshold\":0.7,\"nmsThreshold\":0.3,"
                + "\"topK\":5000,\"smallestFacePx\":16,\"largestSidePx\":640,\"choice\":\"MOST_PROMINENT\"},"
                + "\"flip\":true,\"precision\":\"float32\"}";
        EmbeddingMode mode = read(former);
        assertThat(mode)
                .isEqualTo(new EmbeddingMode(
                        new EmbeddingMode.Detection("8f2383e4", 0.7, 0.3, 5000, 16, 640, FaceChoice.MOST_PROMINENT),
                        true,
                        "float32"));
        assertThat(JSON.readTree(JSON.writeValueAsString(mode))).isEqualTo(JSON.readTree(former));
        assertThat(mode)
                .hasToString("most-prominent face found by detector 8f2383e4 (score 0.7, overlap 0.3, top 5000, at"
                        + " least 16 px, in at most 640 px), with mirror images, float32");
    }
}
