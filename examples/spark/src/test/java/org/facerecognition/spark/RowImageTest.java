package org.facerecognition.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.RowFactory;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.facerecognition.data.ImageSource;
import org.junit.jupiter.api.Test;

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
}
