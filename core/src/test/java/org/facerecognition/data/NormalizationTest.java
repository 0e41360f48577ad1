package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NormalizationTest {
    private static final List<Double> USUAL = List.of(127.5, 127.5, 127.5);

    /** Every embedding would be NaN, or the same. */
    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void numbersMustBeFinite(double number) {
        List<Double> numbers = List.of(127.5, number, 127.5);
        assertThatThrownBy(() -> new Normalization(numbers, USUAL))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("means must be finite, but were " + numbers);
        assertThatThrownBy(() -> new Normalization(USUAL, numbers))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("standard deviations must be positive and finite, but were " + numbers);
    }
}
