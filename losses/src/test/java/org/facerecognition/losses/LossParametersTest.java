package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Parameters of margins and losses that are out of range are rejected with their rule and their value. */
class LossParametersTest {
    private static Arguments rejected(ThrowingCallable maker, String message) {
        return Arguments.of(maker, message);
    }

    static List<Arguments> outOfRange() {
        return List.of(
                rejected(() -> new CosFaceMargin(64, 2.5), "m must be in [0, 2], but was 2.5"),
                rejected(() -> new SphereFaceMargin(64, 0.5), "m must be in [1, 16], but was 0.5"),
                rejected(() -> new SphereFaceMargin(1.35, 64), "m must be in [1, 16], but was 64.0"), // swapped
                rejected(() -> new CombinedMargin(64, 1e300, 0.3, 0.2), "m1 must be in [0, 16], but was 1.0E300"),
                rejected(() -> new CombinedMargin(64, 0, 0.3, 0.2), "m1 must be positive and finite, but was 0.0"),
                rejected(
                        () -> new CombinedMargin(64, 1, 17, 0.2),
                        "m2 must be in [0, pi) radians, but was 17.0 (in degrees? then pass Math.toRadians(17.0))"),
                rejected(() -> new AdaFaceMargin(64, 0.4, 0.333, 2), "tAlpha must be in [0, 1], but was 2.0"),
                rejected(
                        () -> new MagFaceMargin(64, 10, 5, 0.4, 0.8, 35),
                        "longest must be above shortest, 10.0, but was 5.0"),
                rejected(
                        () -> new MagFaceMargin(64, 10, 110, 0.8, 0.4, 35),
                        "greatestMargin must be at least leastMargin, 0.8, but was 0.4"),
                rejected(() -> new ElasticArcMargin(64, 0.5, 3), "sigma must be in [0, 0.5], but was 3.0"),
                rejected(() -> new AdaCosMargin(3, true), "classes must be at least 4 for AdaCos, but was 3"),
                rejected(() -> new CircleMargin(Double.NaN, 0.25), "s must be positive and finite, but was NaN"),
                rejected(() -> new CrossEntropy(1, 0), "labelSmoothing must be in [0, 1), but was 1.0"),
                rejected(() -> new CrossEntropy(0, -1), "focalGamma must be at least 0 and finite, but was -1.0"),
                rejected(() -> new Contrastive(0), "margin must be positive and finite, but was 0.0"),
                rejected(() -> new ClassChunks(0, 0, false), "classes in a chunk must be at least 1, but was 0"),
                rejected(() -> new ClassChunks(1, -1, false), "keptBytes must be at least 0, but was -1"),
                rejected(
                        () -> new LossSettings(null, null, -1, 0, 0, false),
                        "subCenters must be at least 1, or 0 for the default of the loss, but was -1"));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("outOfRange")
    void areRejected(ThrowingCallable maker, String message) {
        assertThatThrownBy(maker).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }
}
