package org.facerecognition.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.sql.RowFactory;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.data.DataException;
import org.facerecognition.data.Photograph;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.vision.FaceDetector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class RowImageTest {
    private static byte[] jpeg(int height, int width) {
        try (Scalar gray = new Scalar(90, 90, 90, 0);
                Mat photograph = new Mat(height, width, CV_8UC3, gray);
                BytePointer encoded = new BytePointer()) {
            imencode(".jpg", photograph, encoded);
            byte[] jpeg = new byte[(int) encoded.limit()];
            encoded.get(jpeg);
            return jpeg;
        }
    }

    private static Photograph read(RowImage image, FaceDetector detector) {
        Photograph photograph = Photograph.read(image, detector);
        assertThat(photograph.widthPx()).isEqualTo(600);
        return photograph;
    }

    /** Returns a detector for which photographs of 600x500 pixels are reduced to a half. */
    private static FaceDetector detector() {
        return FaceDetector.open(TestImages.DETECTOR, defaults -> defaults.withLargestSidePx(100));
    }

    /** One without a face in the reduced image is searched as a whole, which is decoded after it. */
    @Test
    void bytesOfALargePhotographCanBeDecodedTwice() {
        RowImage image = new RowImage(RowFactory.create(), null, jpeg(500, 600), new Configuration(false));
        try (FaceDetector detector = detector();
                Photograph photograph = read(image, detector)) {
            assertThat(photograph.detect()).isEmpty();
        }
        assertThat(image.contentKey()).isEqualTo(ContentKey.of(jpeg(500, 600)));
    }

    @Test
    void theFileOfALargePhotographIsReadOnce(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("large.jpg"), jpeg(500, 600));
        try (FaceDetector detector = detector();
                Photograph photograph = read(image(file), detector)) {
            Files.delete(file);
            assertThat(photograph.detect()).isEmpty();
        }
    }

    /** Those of all photographs that waited to be embedded were kept, for those that must be decoded twice. */
    @Test
    void bytesOfALargePhotographAreNotKept(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("large.jpg"), jpeg(500, 600));
        RowImage image = image(file);
        try (FaceDetector detector = detector()) {
            read(image, detector).close();
        }
        Files.delete(file);
        assertThatThrownBy(image::read).isInstanceOf(DataException.class).hasMessageContaining("does not exist");
    }

    /** Videos used to be read as a whole, on all threads at the same time. */
    @Test
    void aLargeFileIsRefusedByItsBeginning(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("video.jpg");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.write("\0\0\0\24ftypqt  ".getBytes(StandardCharsets.ISO_8859_1));
            sparse.setLength(128L << 20);
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        long before = threads.getThreadAllocatedBytes(self);
        assertThatThrownBy(() -> image(file).read())
                .isInstanceOf(DataException.class)
                .hasMessageContaining("video.jpg is a video");
        assertThat(threads.getThreadAllocatedBytes(self) - before).isLessThan(64L << 20);
    }

    /** It used to wait for a program that writes into the pipe. */
    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void aPipeIsNotRead(@TempDir Path folder) throws Exception {
        Path pipe = folder.resolve("pipe.jpg");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        assertThatThrownBy(() -> image(pipe).read())
                .isInstanceOf(DataException.class)
                .hasMessageContaining("must be a file, but is a folder or a device");
    }

    /** Without a locale, an executor cannot write the names of files; it said that they do not exist. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void withoutALocaleTheRemedyIsOne(@TempDir Path folder) throws Exception {
        ProcessBuilder reading = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Reading.class.getName(),
                        folder.toString())
                .redirectErrorStream(true);
        reading.environment().put("LC_ALL", "POSIX");
        Process process = reading.start();
        List<String> lines = process.inputReader(StandardCharsets.UTF_8).lines().toList();
        assertThat(process.waitFor()).isZero();
        assertThat(lines)
                .anySatisfy(line -> assertThat(line)
                        .contains(".png cannot be opened: this process has no UTF-8 locale; set LC_ALL=C.UTF-8")
                        .contains("--conf spark.executorEnv.LC_ALL=C.UTF-8"));
    }

    /** Reads an image with a name that is not ASCII, in a process of its own. */
    static final class Reading {
        public static void main(String[] args) {
            try {
                new RowImage(RowFactory.create(), args[0] + "/Jos\u00e9.png", null, new Configuration()).read();
            } catch (DataException e) {
                System.out.println(e.getMessage());
            }
        }
    }

    private static RowImage image(Path file) {
        return new RowImage(
                RowFactory.create(), new org.apache.hadoop.fs.Path(file.toUri()).toString(), null, new Configuration());
    }

    @Test
    void filesOfThisMachineAreReadAsHadoopReadsThem(@TempDir Path folder) throws IOException {
        Path plain = folder.resolve("a b.png");
        Path checked = folder.resolve("checked.png");
        try (Mat black = new Mat(20, 30, CV_8UC3, Scalar.BLACK)) {
            imwrite(plain.toString(), black);
        }
        Configuration hadoop = new Configuration();
        FileSystem system = FileSystem.get(checked.toUri(), hadoop);
        try (FSDataOutputStream out = system.create(new org.apache.hadoop.fs.Path(checked.toUri()))) {
            Files.copy(plain, out);
        }
        assertThat(folder.resolve(".checked.png.crc")).as("Hadoop's checksums").exists();
        for (Path file : List.of(plain, checked)) {
            RowImage image = image(file);
            try (Mat read = image.read()) {
                assertThat(read.cols()).isEqualTo(30);
            }
            assertThat(image.contentKey()).isEqualTo(ContentKey.of(plain));
        }
        byte[] bytes = Files.readAllBytes(checked);
        bytes[bytes.length - 1] ^= 1;
        Files.write(checked, bytes);
        assertThatThrownBy(() -> image(checked).read())
                .isInstanceOf(DataException.class)
                .hasMessageContaining("checked.png cannot be read: Checksum error");
        assertThatThrownBy(() -> image(folder.resolve("absent.png")).read())
                .isInstanceOf(DataException.class)
                .hasMessageContaining("absent.png does not exist or cannot be opened");
        assertThatThrownBy(() -> image(folder).read()).isInstanceOf(DataException.class);
    }
}
