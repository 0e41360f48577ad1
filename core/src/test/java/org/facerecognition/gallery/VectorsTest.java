package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

class VectorsTest {
    private static final int D = 1 << 20; // 8 rows in each block

    /** A reservation that failed used to lose the memory that it had got before. */
    @Test
    void keepsTheBlocksThatItGotBeforeMemoryRanOut() {
        List<Long> sizes = new ArrayList<>();
        try (Vectors vectors = new Vectors(D, bytes -> {
            sizes.add(bytes);
            return sizes.size() == 3 ? null : Pointer.malloc(bytes);
        })) {
            assertThatThrownBy(() -> vectors.reserve(40))
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessageContaining("8 embeddings of " + D);
            assertThat(vectors.rowsOfBlock(1).capacity()).isEqualTo(8L * D);
            vectors.reserve(24);
            assertThat(sizes).as("one block more").hasSize(4);
        }
    }
}
