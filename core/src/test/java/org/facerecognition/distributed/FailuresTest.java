package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FailuresTest {
    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(new OutOfMemoryError("Java heap space"), false),
                Arguments.of(
                        new IllegalStateException("libtorch failed: CUDA out of memory. Tried to allocate 2.00 GiB"),
                        false),
                Arguments.of(
                        new IllegalStateException(
                                "there is too little memory for a tensor of 12 MiB",
                                new RuntimeException("DefaultCPUAllocator: can't allocate memory: you tried")),
                        false),
                Arguments.of(
                        new IllegalStateException("libtorch failed: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"
                                + " `cublasCreate(handle)`"),
                        false),
                Arguments.of(
                        new IllegalStateException("libtorch failed: cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), false),
                Arguments.of(new RuntimeException("std::bad_alloc"), false),
                Arguments.of(new GroupFailureException("all ranks stop, because rank 1 was killed", null), false),
                Arguments.of(new IllegalStateException("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED"), true),
                Arguments.of(new IllegalStateException("the disk is full"), true),
                Arguments.of(new IllegalStateException((String) null), true));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void whatANewGroupWouldHaveAgainRecurs(Throwable failure, boolean recurs) {
        assertThat(Failures.recurs(failure)).isEqualTo(recurs);
    }
}
