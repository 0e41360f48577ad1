package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.nio.file.Path;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageWriterTest {
    @TempDir
    Path folder;

    /** OpenCV's text about its C++ sources ended the command. */
    @Test
    void saysThatAFormatCannotHoldAnImage() {
        Path file = folder.resolve("wide.webp");
        String message = "an image of 20000 x 1 pixels cannot be encoded as .webp";
        try (Mat wide = new Mat(1, 20_000, CV_8UC3)) {
            assertThatThrownBy(() -> ImageWriter.write(wide, file))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith(message);
            assertThatThrownBy(() -> ImageWriter.write(wide, file, folder, Path.of("photo.jpg")))
                    .isInstanceOf(DataException.class)
                    .hasMessageStartingWith("image photo.jpg lacks a result: " + message);
        }
    }
}
