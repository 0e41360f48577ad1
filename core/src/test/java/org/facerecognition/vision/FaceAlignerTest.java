package org.facerecognition.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Random;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.Golden;
import org.junit.jupiter.api.Test;

class FaceAlignerTest {
    /** The golden script's points. */
    private static double[][] points(int set, double salt) {
        double[][] points = new double[5][2];
        for (int i = 0; i < 10; i++) {
            points[i / 2][i % 2] = 100 * Math.sin(set * 12.9898 + i * 78.233 + salt);
        }
        return points;
    }

    @Test
    void equalsUmeyamasSolutionBySingularValuesMirroredPointsIncluded() {
        JsonNode expected = Golden.read("/umeyama/similarity.json");
        assertThat(expected).hasSize(1000);
        for (int set = 0; set < 1000; set++) {
            double[][] from = points(set, 0);
            double[][] to = points(set, 2);
            if (set % 3 == 0) {
                double[][] noise = points(set, 1);
                for (int i = 0; i < 5; i++) {
                    to[i] = new double[] {-from[i][0] + noise[i][0] / 20, from[i][1] + noise[i][1] / 20};
                }
            }
            double[][] matrix = FaceAligner.similarity(from, to);
            double[] wanted = Golden.numbers(expected.get(set));
            for (int i = 0; i < 6; i++) {
                assertThat(matrix[i / 3][i % 3]).as("set %d", set).isCloseTo(wanted[i], within(1e-9));
            }
        }
    }

    @Test
    void findsTheTransformThatWasApplied() {
        double angle = 2.5;
        double scale = 0.3;
        double a = scale * Math.cos(angle);
        double b = scale * Math.sin(angle);
        double[][] from = FaceAligner.template();
        double[][] to = new double[5][];
        for (int i = 0; i < 5; i++) {
            to[i] = new double[] {a * from[i][0] - b * from[i][1] + 7, b * from[i][0] + a * from[i][1] - 9};
        }
        double[][] matrix = FaceAligner.similarity(from, to);
        double[] flat = {matrix[0][0], matrix[0][1], matrix[0][2], matrix[1][0], matrix[1][1], matrix[1][2]};
        assertThat(flat).containsExactly(new double[] {a, -b, 7, b, a, -9}, within(1e-12));
    }

    @Test
    void anAlignedFaceIsLeftAsItIs() {
        byte[] bytes = new byte[3 * 112 * 112];
        new Random(1).nextBytes(bytes);
        try (Mat image = new Mat(112, 112, CV_8UC3)) {
            image.data().put(bytes);
            try (Mat aligned = FaceAligner.align(image, FaceAligner.template(), 112)) {
                byte[] out = new byte[bytes.length];
                aligned.data().get(out);
                assertThat(out).isEqualTo(bytes);
            }
            try (Mat larger = FaceAligner.align(image, FaceAligner.template(), 224)) {
                assertThat(larger.rows()).isEqualTo(224);
                assertThat(larger.type()).isEqualTo(CV_8UC3);
            }
        }
    }

    @Test
    void theTemplateIsTheFieldsAndCannotBeChanged() {
        double[][] template = FaceAligner.template();
        assertThat(template[0]).containsExactly(38.2946, 51.6963);
        assertThat(template[4]).containsExactly(70.7299, 92.2041);
        template[0][0] = 0;
        assertThat(FaceAligner.template()[0][0]).isEqualTo(38.2946);
    }

    @Test
    void pointsThatDefineNothingAreASentence() {
        double[][] same = {{3, 3}, {3, 3}, {3, 3}, {3, 3}, {3, 3}};
        assertThatThrownBy(() -> FaceAligner.similarity(same, FaceAligner.template()))
                .hasMessage("points must be finite and not all the same, but their spread was 0.0");
        double[][] nan = {{Double.NaN, 3}, {1, 3}, {3, 3}, {3, 3}, {3, 3}};
        assertThatThrownBy(() -> FaceAligner.similarity(nan, FaceAligner.template()))
                .hasMessageStartingWith("points must be finite");
        assertThatThrownBy(() -> FaceAligner.similarity(new double[3][2], FaceAligner.template()))
                .hasMessage("points must be 5 pairs of x and y, but were 3");
    }
}
