package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OneDnnAutotunerTest {
    /** The largest convolution of a network for 112 pixels reads and writes 1.6 million values. */
    @ParameterizedTest
    @CsvSource({
        "1, 8",
        "1605632, 8",
        "8388608, 8",
        "16777216, 4",
        "67108864, 1",
        "134217728, 1",
        "9223372036854775807, 1"
    })
    void largeImagesAreTimedWithFewerAtOnce(long values, int images) {
        assertThat(OneDnnAutotuner.together(values)).isEqualTo(images);
    }

    private static long[] two(long number) {
        return new long[] {number, number};
    }

    /** A convolution whose memory cannot be made. */
    private static final class Failing extends convolution_forward.primitive_desc {
        Failing(int count) {
            super(
                    OneDnn.engine(),
                    prop_kind.forward_inference,
                    algorithm.convolution_direct,
                    OneDnn.anyLayout(data_type.f32, count, 16, 8, 8),
                    OneDnn.anyLayout(data_type.f32, 16, 16, 3, 3),
                    OneDnn.rowMajor(data_type.f32, 16),
                    OneDnn.anyLayout(data_type.f32, count, 16, 8, 8),
                    two(1),
                    two(0),
                    two(1),
                    two(1),
                    OneDnn.attributes(),
                    false);
        }

        @Override
        public memory.desc scratchpad_desc() {
            throw new RuntimeException("could not create a memory object");
        }
    }

    /** The preparation of the network failed. */
    @Test
    void anImplementationThatFailsIsNotChosen() {
        try (PointerScope scope = new PointerScope()) {
            OneDnnAutotuner autotuner = new OneDnnAutotuner(new KernelChoices(Path.of("")));
            convolution_forward.primitive_desc first = new Failing(1);
            String name = first.impl_info_str().getString();
            convolution_forward.primitive_desc chosen =
                    autotuner.best("layer", 2048, () -> new Failing(1), Failing::new);
            assertThat(chosen.impl_info_str().getString()).isEqualTo(name);
        }
    }
}
