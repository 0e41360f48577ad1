package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageSourceTest {
    @TempDir
    Path folder;

    @Test
    void filesBytesAndDecodedImagesGiveTheSamePixels() throws IOException {
        Path file = TestImages.write(folder.resolve("some.png"), 40, 30, 1);
        byte[] bytes = Files.readAllBytes(file);
        try (Mat image = ImageReader.read(file)) {
            byte[] pixels = TestImages.bytes(image);
            List<ImageSource> sources = List.of(
                    ImageSource.of(file),
                    ImageSource.of(bytes),
                    ImageSource.of(bytes, "uploaded"),
                    ImageSource.of(ImageIO.read(file.toFile())),
                    ImageSource.of(image));
            for (ImageSource source : sources) {
                for (int time = 0; time < 2; time++) { // closing the result does not close the source
                    try (Mat read = source.read();
                            Mat small = source.read(10)) {
                        assertThat(TestImages.bytes(read)).isEqualTo(pixels);
                        assertThat(TestImages.bytes(small)).isEqualTo(pixels);
                    }
                }
            }
            assertThat(sources.stream().map(ImageSource::name))
                    .containsExactly(file.toString(), "given", "uploaded", "given", "given");
            assertThat(ImageSource.of(bytes).encoded()).isEqualTo(bytes);
            assertThat(TestImages.bytes(image)).isEqualTo(pixels);
        }
    }

    @Test
    void bytesAreRotatedUprightLikeTheirFile() throws IOException {
        Path file = Path.of("src/test/resources/images/exif.jpg");
        try (Mat fromFile = ImageSource.of(file).read();
                Mat fromBytes = ImageSource.of(Files.readAllBytes(file)).read()) {
            assertThat(fromBytes.cols()).isEqualTo(fromFile.cols());
            assertThat(TestImages.bytes(fromBytes)).isEqualTo(TestImages.bytes(fromFile));
        }
    }

    @Test
    void namesImagesThatCannotBeRead() {
        assertThatThrownBy(() -> ImageSource.of(new byte[0], "an upload").read())
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("image an upload is empty");
        Path nowhere = folder.resolve("nowhere.png");
        assertThatThrownBy(() -> ImageSource.of(nowhere).read()).hasMessage("image " + nowhere + " does not exist");
    }
}
