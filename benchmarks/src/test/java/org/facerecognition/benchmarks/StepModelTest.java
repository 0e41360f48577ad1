package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.facerecognition.benchmarks.StepModel.Link;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StepModelTest {
    /**
     * Each of 4 ranks sends 3 of 4 parts twice to add up, 150 of 100 bytes, and 3 of 4 parts of the embeddings, 6 of 8
     * bytes; 3 times 3 messages wait.
     */
    @Test
    void addsUpWhatARankSends() {
        StepModel model = new StepModel(2, 100, 8);
        Link link = new Link(10, 0.01);
        assertThat(model.communicationSeconds(4, link)).isCloseTo(15 + 0.6 + 0.09, within(1e-12));
        assertThat(model.seconds(4, link)).isCloseTo(2 + 15 + 0.6 + 0.09, within(1e-12));
    }

    @Test
    void aRankAloneSendsNothing() {
        assertThat(new StepModel(2, 100, 8).seconds(1, new Link(10, 0.01))).isEqualTo(2);
    }

    /** 2 ranks send as many bytes as they add up, in 2 messages: 0.5 s for 100 and 1.5 s for 300. */
    @Test
    void findsTheLinkOfTwoSums() {
        Link link = Link.fitted(2, 100, 0.6, 300, 1.6);
        assertThat(link.bytesPerSecond()).isCloseTo(200, within(1e-9));
        assertThat(link.latencySeconds()).isCloseTo(0.05, within(1e-12));
    }

    @Test
    void aLatencyIsNeverNegative() {
        assertThat(Link.fitted(2, 100, 0.4, 300, 1.6).latencySeconds()).isZero();
    }

    /** On a loaded machine, a sum of few values can take as long as one of many: the rate was infinite or negative. */
    @ParameterizedTest
    @CsvSource({"0.6, 0.6", "0.7, 0.6"})
    void aLinkIsAsFastAsTheLargerSumWhereTheOtherTookAsLong(double few, double many) {
        Link link = Link.fitted(2, 100, few, 300, many);
        assertThat(link.bytesPerSecond()).isCloseTo(500, within(1e-9));
        assertThat(link.latencySeconds()).isBetween(0.0, few);
    }
}
