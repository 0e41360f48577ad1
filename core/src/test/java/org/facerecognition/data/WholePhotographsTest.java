package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import javax.imageio.ImageIO;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class WholePhotographsTest {
    @TempDir
    Path folder;

    private final Logger logger = Logger.getLogger(WholePhotographs.class.getName());
    private final List<String> warnings = new ArrayList<>();
    private final Handler records = new Handler() {
        @Override
        public void publish(LogRecord record) {
            warnings.add(record.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        logger.addHandler(records);
        logger.setUseParentHandlers(false);
        WholePhotographs.warnAgain();
    }

    @AfterEach
    void stop() {
        logger.removeHandler(records);
        logger.setUseParentHandlers(true);
    }

    private Path image(String name, int width, int height) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        String format = name.substring(name.lastIndexOf('.') + 1);
        ImageIO.write(new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB), format, file.toFile());
        return file;
    }

    @ParameterizedTest
    @CsvSource({"4000, 3000, 112", "1600, 1200, 112", "600, 448, 112", "3000, 4000, 112", "1200, 900, 224"})
    void warnsOfWhatIsLargeAndNotSquare(int width, int height, int sizePx) {
        WholePhotographs.check("a.jpg", width, height, sizePx);
        assertThat(warnings)
                .singleElement()
                .asString()
                .contains("a.jpg of " + width + "x" + height)
                .contains("useDetector", "--detector", "align");
    }

    @ParameterizedTest
    @CsvSource({
        "178, 218, 112", // CelebA
        "178, 218, 32",
        "250, 250, 112", // LFW
        "112, 112, 112",
        "96, 112, 112",
        "4000, 4000, 112",
        "1000, 1001, 112",
        "800, 600, 224"
    })
    void acceptsCrops(int width, int height, int sizePx) {
        WholePhotographs.check("a.jpg", width, height, sizePx);
        assertThat(warnings).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"WHOLE", "WIDE"})
    void embeddingWarnsOnce(Crop crop) throws IOException {
        FaceCropper cropper = FaceCropper.withoutDetector(crop, 112);
        cropper.crop(ImageSource.of(image("crop.png", 250, 250))).close();
        assertThat(warnings).isEmpty();
        cropper.crop(ImageSource.of(image("one.png", 800, 600))).close();
        cropper.crop(ImageSource.of(image("two.png", 800, 600))).close();
        assertThat(warnings).singleElement().asString().contains("one.png of 800x600 pixels");
    }

    /** A JPEG is decoded at a fraction of its size, at which it looks like a crop. */
    @ParameterizedTest
    @EnumSource(names = {"WHOLE", "WIDE"})
    void trainingAndPackingWarn(Crop crop) throws IOException {
        image("people/ann/1.jpg", 1600, 1200);
        FaceDataset people = FaceDataset.folders(folder.resolve("people"), Split.TRAIN, 0, 0, 0)
                .withCrop(crop);
        try (Mat face = people.readCropped(0, 112)) {
            assertThat(face.cols()).isEqualTo(112);
        }
        assertThat(warnings).singleElement().asString().contains("ann/1.jpg of 1600x1200 pixels");
        WholePhotographs.warnAgain();
        PackedFaces.write(folder.resolve("faces.pack"), List.of(people), 112, images -> {});
        assertThat(warnings).hasSize(2);
    }
}
