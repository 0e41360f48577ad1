package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.facerecognition.Golden;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests learning-rate schedules against the values of PyTorch. */
class LearningRateTest {
    private static final Map<String, LearningRate> SCHEDULES = Map.of(
            "cosineWarmRestarts 3 1 3e-5", LearningRate.cosineWarmRestarts(3, 1, 3e-5),
            "cosineWarmRestarts 4 2 0.01", LearningRate.cosineWarmRestarts(4, 2, 0.01),
            "cosine 20 0.01", LearningRate.cosine(20, 0.01),
            "step 7 0.1", LearningRate.step(7, 0.1),
            "multiStep 3,3,11,30 0.5", LearningRate.multiStep(List.of(3, 3, 11, 30), 0.5),
            "polynomial 30 2", LearningRate.polynomial(30, 2),
            "polynomial 30 0.9", LearningRate.polynomial(30, 0.9),
            "warmup 5 0.1 then cosine 20 0.01", LearningRate.cosine(20, 0.01).withWarmup(5, 0.1));

    static Stream<Arguments> schedules() {
        return SCHEDULES.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("schedules")
    void matchesPyTorch(String name, LearningRate schedule) {
        double[] expected = Golden.numbers(Golden.read("/torch/schedules.json").get(name));

        assertThat(expected).hasSizeGreaterThanOrEqualTo(25);
        for (int step = 0; step < expected.length; step++) {
            assertThat(schedule.at(0.3, step)).as("step %d", step).isCloseTo(expected[step], within(1e-12));
        }
    }

    @Test
    void constantDoesNotChange() {
        assertThat(LearningRate.constant().at(0.3, 1_000_000)).isEqualTo(0.3);
    }

    /** Schedules are pure functions of the step: an iteration up to this one would not end. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void lateStepsNeedNoIteration() {
        assertThat(LearningRate.cosineWarmRestarts(1, 2, 0).at(1, Long.MAX_VALUE / 4))
                .isBetween(0.0, 1.0);
    }

    @Test
    void rejectsInvalidArguments() {
        assertThatThrownBy(() -> LearningRate.cosineWarmRestarts(0, 1, 0))
                .hasMessage("t0 must be at least 1, but was 0");
        assertThatThrownBy(() -> LearningRate.cosine(3, -1))
                .hasMessage("etaMin must be at least 0 and finite, but was -1.0");
        assertThatThrownBy(() -> LearningRate.step(1, 0)).hasMessage("gamma must be positive and finite, but was 0.0");
        assertThatThrownBy(() -> LearningRate.step(1, Double.POSITIVE_INFINITY))
                .hasMessage("gamma must be positive and finite, but was Infinity");
        assertThatThrownBy(() -> LearningRate.multiStep(List.of(-1, 3), 0.1))
                .hasMessage("milestones must be at least 0, but was -1");
        assertThatThrownBy(() -> LearningRate.multiStep(List.of(3, 2), 1))
                .hasMessage("milestones must increase, but were [3, 2]");
        assertThatThrownBy(() -> LearningRate.constant().withWarmup(3, 0))
                .hasMessage("startFactor must be in (0, 1], but was 0.0");
    }
}
