package org.facerecognition.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import java.io.IOException;
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
import org.facerecognition.data.ImageSource;
import org.facerecognition.gallery.ContentKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowImageTest {
    /** A face that is too small in the reduced image is cut out of the whole, which is read after it. */
    @Test
    void bytesOfALargePhotographCanBeReadOnceMore() {
        try (Scalar gray = new Scalar(90, 90, 90, 0);
                Mat photograph = new Mat(500, 600, CV_8UC3, gray);
                BytePointer encoded = new BytePointer()) {
            imencode(".jpg", photograph, encoded);
            byte[] jpeg = new byte[(int) encoded.limit()];
            encoded.get(jpeg);

            RowImage image = new RowImage(RowFactory.create(), null, jpeg, new Configuration(false));
            ImageSource.Reduced reduced = image.readReduced(200);
            try (Mat small = reduced.pixels();
                    Mat whole = image.read()) {
                assertThat(reduced.factor()).isEqualTo(2);
                assertThat(small.cols()).isEqualTo(300);
                assertThat(whole.cols()).isEqualTo(600);
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
