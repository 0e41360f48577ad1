package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.pytorch.global.torch;
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
        assertThatThrownBy(() -> NativeErrors.explained(() -> {
                    throw new RuntimeException("could not create a primitive");
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("oneDNN failed: could not create a primitive");
        IllegalArgumentException own = new IllegalArgumentException("of a caller");
        assertThatThrownBy(() -> NativeErrors.explained(() -> {
                    throw own;
                }))
                .isSameAs(own);
    }

    @Test
    void saysThatThereIsTooLittleMemory() {
        Libtorch.load();
        assertThatThrownBy(() -> NativeErrors.explained(() -> torch.empty(1L << 50)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("there is too little memory for a tensor of 4,294,967,296 MiB")
                .matches(e -> NativeErrors.isOfMemory((RuntimeException) e));
        assertThatThrownBy(() -> NativeErrors.explained(() -> {
                    throw new RuntimeException(
                            "CUDA out of memory. Tried to allocate 2.00 GiB.\nException raised from");
                }))
                .hasMessage("there is too little memory: CUDA out of memory. Tried to allocate 2.00 GiB.");
        assertThat(NativeErrors.isOfMemory(new RuntimeException(
                        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")))
                .isTrue();
        assertThat(NativeErrors.isOfMemory(new RuntimeException("std::bad_alloc")))
                .isTrue();
        assertThat(NativeErrors.isOfMemory(new RuntimeException("size mismatch")))
                .isFalse();
        assertThatThrownBy(() -> NativeErrors.explained(() -> {
                    throw new RuntimeException("could not create a memory object");
                }))
                .hasMessage("there is too little memory: could not create a memory object")
                .matches(e -> NativeErrors.isOfMemory((RuntimeException) e));
    }
}
