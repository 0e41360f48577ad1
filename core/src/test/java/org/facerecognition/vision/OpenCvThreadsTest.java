package org.facerecognition.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_core.getNumThreads;
import static org.bytedeco.opencv.global.opencv_core.setNumThreads;

import org.bytedeco.opencv.global.opencv_core;
import org.facerecognition.natives.NativeLibraries;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** OpenCV has one thread while anyone needs that, and its number of threads afterwards. */
class OpenCvThreadsTest {
    private int before;

    @BeforeEach
    void twoThreads() {
        NativeLibraries.load(opencv_core.class, "OpenCV");
        before = getNumThreads();
        setNumThreads(2);
    }

    @AfterEach
    void asBefore() {
        setNumThreads(before);
    }

    @Test
    void isRestoredByTheLastUse() {
        OpenCvThreads.Scope first = OpenCvThreads.one();
        OpenCvThreads.Scope second = OpenCvThreads.one();
        assertThat(getNumThreads()).isEqualTo(1);
        first.close();
        first.close(); // a close in a finally clause after another
        assertThat(getNumThreads()).as("the second use goes on").isEqualTo(1);
        second.close();
        second.close();
        assertThat(getNumThreads()).isEqualTo(2);
        try (OpenCvThreads.Scope later = OpenCvThreads.one()) {
            assertThat(getNumThreads()).as("later uses count again").isEqualTo(1);
        }
        assertThat(getNumThreads()).isEqualTo(2);
    }
}
