package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.Test;

class DeferredGradientTest {
    /** What a lost rank throws decides whether a training is started again. */
    @Test
    void anExceptionOfASourceIsFoundAfterTheBackwardPass() {
        Libtorch.load();
        RuntimeException lost = new IllegalStateException("all ranks stop, because rank 1 was killed");
        RuntimeException other = new RuntimeException("of another pass");
        try (PointerScope scope = new PointerScope()) {
            Tensor x = torch.randn(3, 4);
            x.set_requires_grad(true);
            Tensor loss = x.sum()
                    .add(DeferredGradient.link(x, (factor, gradient) -> {
                                throw lost;
                            })
                            .zero());
            RuntimeException thrown = catchThrowableOfType(RuntimeException.class, loss::backward);
            assertThat(thrown).hasMessageContaining("all ranks stop");
            assertThat(Head.failure(thrown)).isSameAs(lost);
            assertThat(Head.failure(other)).as("once").isSameAs(other);
        }
    }
}
