package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

class AutocastTest {
    static {
        Libtorch.load();
    }

    private static ScalarType productType() {
        try (PointerScope scope = new PointerScope()) {
            Tensor a = torch.ones(2, 2);
            return torch.mm(a, a).scalar_type().intern();
        }
    }

    @Test
    void nestedScopesRestoreTheFormerState() {
        try (Autocast on = Autocast.bfloat16(DeviceType.CPU)) {
            assertThat(productType()).isEqualTo(ScalarType.BFloat16);
            try (Autocast off = Autocast.off(DeviceType.CPU)) {
                assertThat(productType()).isEqualTo(ScalarType.Float);
            }
            assertThat(productType()).isEqualTo(ScalarType.BFloat16);
        }
        assertThat(productType()).isEqualTo(ScalarType.Float);
    }

    @Test
    void aScopeDoesNotAffectOtherDevices() {
        try (Autocast on = Autocast.bfloat16(DeviceType.CUDA)) {
            assertThat(torch.is_autocast_enabled(DeviceType.CUDA)).isTrue();
            assertThat(productType()).isEqualTo(ScalarType.Float);
        }
        assertThat(torch.is_autocast_enabled(DeviceType.CUDA)).isFalse();
    }

    @Test
    void offDoesNothingOnADeviceWithoutAutocast() {
        try (Autocast off = Autocast.off(DeviceType.Meta)) {
            assertThat(productType()).isEqualTo(ScalarType.Float);
        }
    }

    @Test
    void bfloat16IsRejectedOnADeviceWithoutAutocast() {
        assertThatThrownBy(() -> Autocast.bfloat16(DeviceType.Meta))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("device must have autocast for bfloat16, but was Meta");
    }
}
