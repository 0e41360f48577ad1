package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_16S;
import static org.bytedeco.opencv.global.opencv_core.CV_16U;
import static org.bytedeco.opencv.global.opencv_core.CV_32F;
import static org.bytedeco.opencv.global.opencv_core.CV_64F;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Case J1: matrices of OpenCV in another layout gave wrong embeddings without an error, and a batcher read beyond the
 * end of those with one channel.
 */
class GivenMatricesTest {
    private static final int SIZE_PX = 32;

    private static Recognizer recognizer;
    private static PreparedRecognizer prepared;
    private static FaceBatcher batcher;
    private static Mat face;

    private interface Embedding {
        float[] of(Mat image) throws Exception;
    }

    @BeforeAll
    static void make() {
        recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(8)
                .classes(2)
                .imageSizePx(SIZE_PX)
                .build());
        prepared = recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
        batcher = prepared.batcher();
        face = new SyntheticFaces(1, SIZE_PX).image(0, 0);
    }

    @AfterAll
    static void free() {
        batcher.close();
        prepared.close();
        recognizer.close();
        face.close();
    }

    private static Map<String, Embedding> ways() {
        Map<String, Embedding> ways = new LinkedHashMap<>();
        ways.put("recognizer", image -> recognizer.embed(image));
        ways.put("prepared", image -> prepared.embed(image));
        ways.put("batcher", image -> batcher.embed(image).get());
        ways.put(
                "batcher that does not wait",
                image -> batcher.tryEmbed(ImageSource.of(image)).orElseThrow().get());
        return ways;
    }

    private static void assertRejected(Mat image, String was) {
        ways().forEach((name, way) -> assertThatThrownBy(() -> way.of(image))
                .as(name)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("image must be RGB, CV_8UC3, but was " + was));
    }

    @Test
    void otherTypesAreRejectedOnEveryWay() {
        Map<Integer, String> depths =
                Map.of(CV_16U, "CV_16UC3", CV_16S, "CV_16SC3", CV_32F, "CV_32FC3", CV_64F, "CV_64FC3");
        depths.forEach((depth, name) -> {
            try (Mat other = new Mat()) {
                face.convertTo(other, depth);
                assertRejected(other, name);
            }
        });
        try (Mat gray = new Mat(SIZE_PX, SIZE_PX, CV_8UC1, Scalar.all(100));
                Mat empty = new Mat()) {
            assertRejected(gray, "CV_8UC1");
            assertRejected(empty, "empty");
        }
    }

    @Test
    void aRegionIsTheImageThatItShows() throws Exception {
        try (Mat wide = new Mat(2 * SIZE_PX, 2 * SIZE_PX, face.type(), Scalar.all(0));
                Mat region = new Mat(wide, new Rect(9, 5, SIZE_PX, SIZE_PX))) {
            face.copyTo(region);
            assertThat(region.isContinuous()).isFalse();
            for (Map.Entry<String, Embedding> way : ways().entrySet()) {
                assertThat(way.getValue().of(region))
                        .as(way.getKey())
                        .isEqualTo(way.getValue().of(face));
            }
        }
    }

    @Test
    void oneOfOurOwnMakingIsCheckedToo() {
        try (Mat gray = new Mat(SIZE_PX, SIZE_PX, CV_8UC1, Scalar.all(100))) {
            ImageSource own = new ImageSource() {
                @Override
                public String name() {
                    return "own";
                }

                @Override
                public Mat read() {
                    return gray.clone();
                }
            };
            assertThatThrownBy(() -> recognizer.embed(own))
                    .hasMessageContaining("RGB, CV_8UC3")
                    .hasMessageEndingWith("CV_8UC1");
            assertThatThrownBy(() -> batcher.embed(own))
                    .hasMessageContaining("RGB, CV_8UC3")
                    .hasMessageEndingWith("CV_8UC1");
        }
    }
}
