package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScaleBoundTest {
    @Test
    void isThatOfThePaper() {
        assertThat(ScaleBound.lowest(500, 0.9)).isCloseTo(8.39, within(0.005));
        assertThat(ScaleBound.lowest(500, 0.99)).isCloseTo(10.79, within(0.005));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 10, 500, 10_572})
    void theHighestProbabilityIsItsInverse(int classes) {
        assertThat(ScaleBound.highestProbability(classes, ScaleBound.lowest(classes, 0.9)))
                .isCloseTo(0.9, within(1e-9));
    }

    @Test
    void oneClassIsCertain() {
        assertThat(ScaleBound.highestProbability(1, 5)).isEqualTo(1);
    }

    @Test
    void rejectsArgumentsOutOfRange() {
        assertThatThrownBy(() -> ScaleBound.lowest(1, 0.9)).hasMessage("classes must be at least 2, but was 1");
        assertThatThrownBy(() -> ScaleBound.lowest(5, 1)).hasMessage("probability must be in (0, 1), but was 1.0");
    }
}
