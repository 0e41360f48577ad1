package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ShapesTest {
    /** The product was 0. */
    @Test
    void sizesThatDoNotFitAreTheLargest() {
        assertThat(Shapes.size(new long[] {1L << 32, 1L << 32, 4})).isEqualTo(Long.MAX_VALUE);
        assertThat(Shapes.size(new long[] {64, 112, 112})).isEqualTo(802_816);
        assertThat(Shapes.size(new long[] {})).isEqualTo(1);
    }
}
