package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class NcclTest {
    @Test
    void whatIsMissingIsSaid() {
        Libtorch.load();
        assumeFalse(torch.cuda_is_available(), "there is a GPU, and what NCCL needs with it");
        for (int i = 0; i < 2; i++) { // the second time JavaCPP says less
            assertThatThrownBy(Nccl::load)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("several processes that train on GPUs need NCCL 2, and org.bytedeco:cuda"
                            + " with its natives linux-x86_64 on the class path (see \"GPU\" in core/README.md): ")
                    .hasMessageContaining("org.bytedeco.cuda.presets");
        }
    }
}
