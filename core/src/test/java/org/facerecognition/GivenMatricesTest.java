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
 * Tests OpenCV matrices of other types and layouts. A regression test: they once gave wrong embeddings without an
 * error, and a batcher read beyond the end of matrices with one channel.
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
    static void createRecognizer() {
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
    static void closeAll() {
        batcher.close();
        prepared.close();
        recognizer.close();
        face.close();
    }

    private static Map<String, Embedding> entryPoints() {
        Map<String, Embedding> entryPoints = new LinkedHashMap<>();
        entryPoints.put("recognizer", image -> recognizer.embed(image));
        entryPoints.put("prepared", image -> prepared.embed(image));
        entryPoints.put("batcher", image -> batcher.embed(image).get());
        entryPoints.put(
                "batcher that does not wait",
                image -> batcher.tryEmbed(ImageSource.of(image)).orElseThrow().get());
        return entryPoints;
    }

    private static void assertRejected(Mat image, String was) {
        entryPoints()
                .forEach((name, entryPoint) -> assertThatThrownBy(() -> entryPoint.of(image))
                        .as(name)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("image must be RGB, CV_8UC3, but was " + was));
    }

    @Test
    void rejectsOtherTypesAtEveryEntryPoint() {
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
    void embedsARegionOfALargerMatrix() throws Exception {
        try (Mat wide = new Mat(2 * SIZE_PX, 2 * SIZE_PX, face.type(), Scalar.all(0));
                Mat region = new Mat(wide, new Rect(9, 5, SIZE_PX, SIZE_PX))) {
            face.copyTo(region);
            assertThat(region.isContinuous()).isFalse();
            for (Map.Entry<String, Embedding> entryPoint : entryPoints().entrySet()) {
                assertThat(entryPoint.getValue().of(region))
                        .as(entryPoint.getKey())
                        .isEqualTo(entryPoint.getValue().of(face));
            }
        }
    }

    @Test
    void checksMatricesOfCustomSources() {
        try (Mat gray = new Mat(SIZE_PX, SIZE_PX, CV_8UC1, Scalar.all(100))) {
            ImageSource custom = new ImageSource() {
                @Override
                public String name() {
                    return "custom";
                }

                @Override
                public Mat read() {
                    return gray.clone();
                }
            };
            assertThatThrownBy(() -> recognizer.embed(custom))
                    .hasMessageContaining("RGB, CV_8UC3")
                    .hasMessageEndingWith("CV_8UC1");
            assertThatThrownBy(() -> batcher.embed(custom))
                    .hasMessageContaining("RGB, CV_8UC3")
                    .hasMessageEndingWith("CV_8UC1");
        }
    }
}
