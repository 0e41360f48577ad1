package org.facerecognition.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.getNumThreads;
import static org.bytedeco.opencv.global.opencv_core.getNumberOfCPUs;
import static org.bytedeco.opencv.global.opencv_core.setNumThreads;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.SquareFaces;
import org.facerecognition.data.ImageSource;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.natives.Processors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OpenCV has one thread while anyone needs that, and its number of threads afterwards. */
class OpenCvThreadsTest {
    @TempDir
    private Path folder;

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

    /** OpenCV counts the processors of the host, whatever the user or a container allows. */
    @Test
    void whoeverReadsAnImageKeepsToTheBoundOfTheUser() throws IOException {
        Path file = folder.resolve("black.png");
        System.setProperty(Processors.PROPERTY, "1");
        try (Mat image = new Mat(8, 8, CV_8UC3, Scalar.BLACK)) {
            imwrite(file.toString(), image);
            List<ImageSource> sources = List.of(
                    ImageSource.of(image),
                    ImageSource.of(file),
                    ImageSource.of(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB)),
                    ImageSource.of(Files.readAllBytes(file)));
            for (ImageSource source : sources) {
                setNumThreads(getNumberOfCPUs()); // as OpenCV chooses
                source.read().close();
                assertThat(getNumThreads()).as(source.name()).isEqualTo(1);
            }
            setNumThreads(getNumberOfCPUs());
            FaceDetector.open(SquareFaces.detector()).close();
            assertThat(getNumThreads())
                    .as("a detector, before it has a network")
                    .isEqualTo(1);
        } finally {
            System.clearProperty(Processors.PROPERTY);
        }
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
