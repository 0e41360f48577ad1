package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class NativeErrorsTest {
    @Test
    void saysWhatIsWrongWithoutThePlaceInTheSources() {
        assertThat(NativeErrors.reason(new RuntimeException(
                        "OpenCV(4.13.0) /home/build/imgproc/src/imgwarp.cpp:1603: error: (-215:Assertion failed)"
                                + " dst.cols < SHRT_MAX in function 'remap'\n")))
                .isEqualTo("dst.cols < SHRT_MAX in function 'remap'");
        assertThat(NativeErrors.reason(new RuntimeException("too few rows\nException raised from at TensorShape.cpp")))
                .isEqualTo("too few rows");
        assertThat(NativeErrors.reason(new RuntimeException(""))).isEqualTo("no reason given");
        assertThat(NativeErrors.reason(new IllegalStateException((String) null)))
                .isEqualTo("no reason given");
    }

    @Test
    void explainsOnlyErrorsOfNativeLibraries() {
        assertThatThrownBy(() -> NativeErrors.explained(() -> {
                    throw new RuntimeException("no\nwhere");
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("libtorch failed: no");
        IllegalArgumentException own = new IllegalArgumentException("of a caller");
        assertThatThrownBy(() -> NativeErrors.explained(() -> {
                    throw own;
                }))
                .isSameAs(own);
    }
}
