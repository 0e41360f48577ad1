package org.facerecognition.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.NORM_L1;
import static org.bytedeco.opencv.global.opencv_core.norm;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.indexer.UByteIndexer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.Golden;
import org.junit.jupiter.api.Test;

class FaceAlignerTest {
    /** Returns the points of the golden script. */
    private static double[][] points(int set, double salt) {
        double[][] points = new double[5][2];
        for (int i = 0; i < 10; i++) {
            points[i / 2][i % 2] = 100 * Math.sin(set * 12.9898 + i * 78.233 + salt);
        }
        return points;
    }

    @Test
    void equalsUmeyamasSolutionIncludingMirroredAndRotatedPoints() {
        JsonNode expected = Golden.read("/umeyama/similarity.json");
        assertThat(expected).hasSize(1000);
        for (int set = 0; set < 1000; set++) {
            double[][] matrix = FaceAligner.similarity(points(set, 0), target(set));
            double[] matrixOfScript = Golden.numbers(expected.get(set));
            for (int i = 0; i < 6; i++) {
                assertThat(matrix[i / 3][i % 3]).as("set %d", set).isCloseTo(matrixOfScript[i], within(1e-9));
            }
        }
    }

    /** Returns the targets of the golden script: mirrored, rotated or unrelated points. */
    private static double[][] target(int set) {
        double[][] from = points(set, 0);
        double[][] noise = points(set, 1);
        double scale = 0.1 + set / 200.0;
        double[][] to = new double[5][];
        for (int i = 0; i < 5; i++) {
            double x = from[i][0];
            double y = from[i][1];
            to[i] = switch (set % 3) {
                case 0 -> new double[] {-x + noise[i][0] / 20, y + noise[i][1] / 20};
                case 1 ->
                    new double[] {
                        scale * (Math.cos(set) * x - Math.sin(set) * y) + noise[i][0] / 20 + set * 8,
                        scale * (Math.sin(set) * x + Math.cos(set) * y) + noise[i][1] / 20 + 7000 - set * 7
                    };
                default -> points(set, 2)[i];
            };
        }
        return to;
    }

    @Test
    void aligningTwiceIsTheIdentity() {
        for (int set = 0; set < 1000; set++) {
            double[][] from = target(set);
            double[][] matrix = FaceAligner.similarity(from, FaceAligner.template());
            double[][] aligned = new double[5][];
            for (int i = 0; i < 5; i++) {
                aligned[i] = moved(matrix, from[i]);
            }
            double[][] again = FaceAligner.similarity(aligned, FaceAligner.template());
            double[] flat = {again[0][0], again[0][1], again[0][2], again[1][0], again[1][1], again[1][2]};
            assertThat(flat).as("set %d", set).containsExactly(new double[] {1, 0, 0, 0, 1, 0}, within(1e-6));
        }
    }

    private static double[] moved(double[][] matrix, double[] point) {
        return new double[] {
            matrix[0][0] * point[0] + matrix[0][1] * point[1] + matrix[0][2],
            matrix[1][0] * point[0] + matrix[1][1] * point[1] + matrix[1][2]
        };
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
    void alignedFaceIsNotChanged() {
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

    /** Aligns an image with a bright dot at each landmark and looks for the dots in the result. */
    @Test
    void landmarksOfARotatedFaceMoveOntoEachTemplate() {
        double[][] points = new double[5][];
        for (int i = 0; i < 5; i++) {
            double[] p = FaceAligner.template()[i]; // rotated by 2.1 radians, doubled, moved
            double x = p[0] - 56;
            double y = p[1] - 56;
            points[i] = new double[] {
                Math.round(200 + 2 * (x * Math.cos(2.1) - y * Math.sin(2.1))),
                Math.round(200 + 2 * (x * Math.sin(2.1) + y * Math.cos(2.1)))
            };
        }
        try (Mat image = Mat.zeros(400, 400, CV_8UC3).asMat();
                UByteIndexer pixels = image.createIndexer()) {
            for (int i = 0; i < 5; i++) {
                for (int dx = -2; dx <= 2; dx++) {
                    for (int dy = -2; dy <= 2; dy++) {
                        pixels.put((long) points[i][1] + dy, (long) points[i][0] + dx, i % 3, 255);
                    }
                }
            }
            for (FaceTemplate template : List.of(
                    FaceTemplate.SQUARE_112,
                    FaceTemplate.NARROW_96X112,
                    FaceTemplate.WIDE_128,
                    FaceTemplate.square(128))) {
                try (Mat aligned = FaceAligner.align(image, points, template);
                        UByteIndexer seen = aligned.createIndexer()) {
                    assertThat(aligned.cols()).isEqualTo(template.widthPx());
                    assertThat(aligned.rows()).isEqualTo(template.heightPx());
                    for (int i = 0; i < 5; i++) {
                        double[] place = template.points()[i];
                        assertThat(seen.get(Math.round(place[1]), Math.round(place[0]), i % 3))
                                .as("%s, point %d", template, i)
                                .isGreaterThan(100);
                    }
                }
            }
        }
    }

    @Test
    void templatesEqualThePublishedOnes() {
        assertThat(FaceTemplate.NARROW_96X112.points()[0])
                .containsExactly(new double[] {30.2946, 51.6963}, within(1e-9));
        assertThat(FaceTemplate.WIDE_128.points()[0]).containsExactly(new double[] {46.2946, 51.6963}, within(1e-9));
        assertThat(FaceTemplate.square(224).points()[4])
                .containsExactly(new double[] {141.4598, 184.4082}, within(1e-9));
        assertThat(FaceTemplate.wide(128)).isEqualTo(FaceTemplate.WIDE_128);
        assertThat(FaceTemplate.wide(256).points()[0]).containsExactly(new double[] {92.5892, 103.3926}, within(1e-9));
        assertThatThrownBy(() -> FaceTemplate.square(0)).hasMessage("sides must be at least 1 pixel, but were 0x0");
        assertThatThrownBy(() -> new FaceTemplate(1, 1, Double.NaN, 0))
                .hasMessage("scale must be positive and the shift finite, but were NaN and 0.0");
    }

    @Test
    void templateEqualsInsightfaceAndCannotBeChanged() {
        double[][] template = FaceAligner.template();
        assertThat(template[0]).containsExactly(38.2946, 51.6963);
        assertThat(template[4]).containsExactly(70.7299, 92.2041);
        template[0][0] = 0;
        assertThat(FaceAligner.template()[0][0]).isEqualTo(38.2946);
    }

    /** OpenCV's routine takes images of at most 32,766 pixels on a side. */
    @Test
    void alignsInImagesThatAreWiderOrHigherThanOpenCvTakes() {
        double[][] near = FaceAligner.template();
        try (Mat small = new Mat(200, 200, CV_8UC3);
                Mat wide = new Mat(200, 40_000, CV_8UC3, new Scalar(9, 9, 9, 0));
                Mat high = new Mat(40_000, 200, CV_8UC3, new Scalar(9, 9, 9, 0))) {
            byte[] noise = new byte[200 * 200 * 3];
            new Random(1).nextBytes(noise);
            small.data().put(noise);
            for (Mat large : List.of(wide, high)) {
                int x = large.cols() - 200;
                int y = large.rows() - 200;
                small.copyTo(new Mat(large, new Rect(x, y, 200, 200)));
                for (double angle : new double[] {0, 0.6, 3}) {
                    double[][] far = new double[5][];
                    double[][] inSmall = new double[5][];
                    for (int i = 0; i < 5; i++) {
                        double px = near[i][0] - 56;
                        double py = near[i][1] - 56;
                        inSmall[i] = new double[] {
                            100 + 0.8 * (Math.cos(angle) * px - Math.sin(angle) * py),
                            100 + 0.8 * (Math.sin(angle) * px + Math.cos(angle) * py)
                        };
                        far[i] = new double[] {inSmall[i][0] + x, inSmall[i][1] + y};
                    }
                    try (Mat aligned = FaceAligner.align(large, far, 112);
                            Mat expected = FaceAligner.align(small, inSmall, 112)) {
                        double differing = norm(aligned, expected, NORM_L1, new Mat()) / (112 * 112 * 3);
                        assertThat(differing).as("angle %s", angle).isLessThan(1); // coordinates are rounded to 1/32
                    }
                }
            }
        }
    }

    @Test
    void rejectsDegeneratePoints() {
        double[][] same = {{3, 3}, {3, 3}, {3, 3}, {3, 3}, {3, 3}};
        assertThatThrownBy(() -> FaceAligner.similarity(same, FaceAligner.template()))
                .hasMessage("points must be finite and not all the same, but their spread was 0.0");
        double p = 449.49106478873813; // the mean of five of them is another number
        double[][] rounded = {{p, p}, {p, p}, {p, p}, {p, p}, {p, p}};
        assertThatThrownBy(() -> FaceAligner.similarity(rounded, FaceAligner.template()))
                .hasMessageStartingWith("points must be finite and not all the same");
        double[][] nan = {{Double.NaN, 3}, {1, 3}, {3, 3}, {3, 3}, {3, 3}};
        assertThatThrownBy(() -> FaceAligner.similarity(nan, FaceAligner.template()))
                .hasMessageStartingWith("points must be finite");
        assertThatThrownBy(() -> FaceAligner.similarity(new double[3][2], FaceAligner.template()))
                .hasMessage("points must be 5 pairs of x and y, but were 3");
    }
}
