package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class LibtorchTest {
    static {
        Libtorch.load();
    }

    @Test
    void hasMoreThanOneThreadWhereThereAreProcessors() {
        assumeThat(Runtime.getRuntime().availableProcessors()).isGreaterThan(1);
        assumeThat(System.getenv("OMP_NUM_THREADS")).isNull();
        assumeThat(System.getenv("MKL_NUM_THREADS")).isNull();
        assertThat(torch.get_num_threads()).isGreaterThan(1);
    }

    /** Died of a division by zero on virtual machines that hide the processor's caches. */
    @Test
    void smallConvolutionsOfManyChannelsDoNotCrash() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            for (long channels : new long[] {64, 256, 512, 1024, 2048}) {
                for (long batch : new long[] {1, 2, 4, 5, 16}) {
                    Tensor x = torch.ones(batch, channels, 2, 2);
                    Tensor weight = torch.ones(64, channels, 1, 1);
                    assertThat(torch.conv2d(x, weight).max().item_double()).isEqualTo(channels);
                }
            }
        }
    }
}
