package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.text.Normalizer;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.data.ImageReader;
import org.facerecognition.examples.web.StubDetector;
import org.facerecognition.io.FileNames;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceDetector.Settings;
import org.facerecognition.vision.FaceTemplate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ImageFileNamesTest {
    private static final int[] RED = {255, 0, 0};
    private static final int[] BLUE = {0, 0, 255};

    @TempDir
    Path root;

    /** Earlier, on macOS, the crop of one replaced that of the other. */
    @Test
    void namesDifferBeyondNormalization() {
        assumeTrue(FileNames.isUnicode(FileNames.charset()), "needs file names in Unicode");
        String composed = "Jos\u00e9.jpg";
        Path one = root.resolve("a").resolve(composed);
        Path other = root.resolve("b").resolve(Normalizer.normalize(composed, Normalizer.Form.NFD));
        List<ImageFileNames> files = ImageFileNames.of(List.of(one, other)).files();
        assertThat(files).extracting(ImageFileNames::file).containsExactly(one, other);
        assertThat(files)
                .extracting(file -> Normalizer.normalize(file.name().toString(), Normalizer.Form.NFC))
                .containsExactly("Jos\u00e9", "Jos\u00e9-jpg");
    }

    private static Path imageFile(Path file, int[] rgb, int sidePx, String format) {
        try (Scalar color = new Scalar(rgb[0], rgb[1], rgb[2], 0);
                Mat image = new Mat(sidePx, sidePx, CV_8UC3, color)) {
            ImageWriter.write(image, file.resolveSibling("new." + format));
            Files.move(file.resolveSibling("new." + format), file, StandardCopyOption.REPLACE_EXISTING);
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns a detector during whose work another program replaces the file by another image. */
    private static StubDetector replacing(Path file, int sidePx, String format, List<DetectedFace> found) {
        Supplier<List<DetectedFace>> detection = () -> {
            imageFile(file, BLUE, sidePx, format);
            return found;
        };
        return new StubDetector(Settings.DEFAULT, detection, false);
    }

    private static void assertRed(Path file, int x, int y) {
        try (Mat image = ImageReader.read(file)) {
            byte[] pixels = ImageReader.pixels(image);
            int at = 3 * (y * image.cols() + x);
            assertThat(pixels[at] & 0xff).as("red").isGreaterThan(200);
            assertThat(pixels[at + 2] & 0xff).as("blue").isLessThan(50);
        }
    }

    /** Earlier, the file was read again, and faces of one image were marked on another. */
    @Test
    void marksTheImageThatWasSearched() {
        Path file = imageFile(root.resolve("photo.png"), RED, 200, "png");
        Path out = root.resolve("marked");
        DetectCommand detect =
                CommandLine.populateCommand(new DetectCommand(), "--out", out.toString(), file.toString());
        ImageFileNames image = ImageFileNames.of(List.of(file)).files().get(0);
        assertThat(detect.examined(image, replacing(file, 200, "png", List.of()))
                        .found())
                .isEmpty();
        assertRed(out.resolve("photo.png"), 100, 100);
    }

    /** Earlier, a small face of a large JPEG was cut out of what the file had become. */
    @Test
    void cropsTheImageThatWasSearched() {
        int sidePx = 2000; // is reduced to a half to be searched
        Path file = imageFile(root.resolve("photo.jpg"), RED, sidePx, "jpg");
        Path out = root.resolve("crops");
        AlignCommand align = CommandLine.populateCommand(new AlignCommand(), "--out", out.toString(), file.toString());
        ImageFileNames image = ImageFileNames.of(List.of(file)).files().get(0);
        StubDetector detector = replacing(file, sidePx, "jpg", List.of(StubDetector.face(500, 500)));
        AlignCommand.Aligned aligned =
                align.aligned(image, detector, FaceTemplate.SQUARE_112, new FormerCrops(out, List.of(file)));
        assertThat(aligned.crops()).containsExactly(out.resolve("photo.png").toString());
        assertRed(out.resolve("photo.png"), 56, 56);
    }
}
