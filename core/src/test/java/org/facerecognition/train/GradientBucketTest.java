package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.Test;

/** Each gradient traveled alone: JavaCPP's enum constants are new objects in each call. */
class GradientBucketTest {
    private static Tensor parameter(long values, ScalarType type) {
        Tensor parameter = torch.zeros(values).to(type);
        parameter.set_requires_grad(true);
        return parameter;
    }

    @Test
    void gradientsOfOneTypeTravelTogether() {
        Libtorch.load();
        try (PointerScope scope = new PointerScope()) {
            List<Tensor> parameters = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                parameters.add(parameter(100, ScalarType.Float));
            }
            parameters.add(torch.zeros(100)); // does not train
            assertThat(GradientBucket.of(parameters)).hasSize(1);
            parameters.add(parameter(100, ScalarType.BFloat16));
            parameters.add(parameter(100, ScalarType.BFloat16));
            assertThat(GradientBucket.of(parameters)).hasSize(2);
            parameters.add(parameter(5 << 20, ScalarType.BFloat16));
            parameters.add(parameter(100, ScalarType.BFloat16));
            assertThat(GradientBucket.of(parameters)).hasSize(3);
        }
    }
}
