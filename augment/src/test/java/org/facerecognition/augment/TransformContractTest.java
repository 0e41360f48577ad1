package org.facerecognition.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every transform must keep to. */
class TransformContractTest {
    static List<Transform> transforms() {
        List<Transform> all = new ArrayList<>(Presets.fiveColour());
        all.add(new ColorJitter(0.4, 0.4, 0.4, 0.1));
        all.add(new RandomPosterize(4, 1));
        all.add(new RandomEqualize(1));
        all.add(new GaussianBlur(3, 3, 0.5, 0.5));
        all.add(new Pipeline(Presets.fiveColour()));
        all.add(new RandomHorizontalFlip(1));
        all.add(new RandomHorizontalFlip());
        all.add(Pipeline.of());
        return all;
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void keepsSizeAndTypeAndLeavesItsInputAlone(Transform transform) {
        for (int[] size : new int[][] {{1, 1}, {1, 9}, {7, 3}, {112, 112}}) {
            try (Mat image = noise(size[0], size[1])) {
                byte[] before = Images.toBytes(image);
                for (int seed = 0; seed < 5; seed++) {
                    try (Mat result = transform.apply(image, new SplittableRandom(seed))) {
                        assertThat(result.rows()).isEqualTo(size[0]);
                        assertThat(result.cols()).isEqualTo(size[1]);
                        assertThat(result.type()).isEqualTo(CV_8UC3);
                        assertThat(result.address()).isNotEqualTo(image.address());
                        result.data().put((byte) 7); // a view on the input would show
                    }
                    assertThat(Images.toBytes(image)).isEqualTo(before);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void sameSeedSameBytes(Transform transform) {
        try (Mat image = noise(20, 30);
                Mat first = transform.apply(image, new SplittableRandom(5));
                Mat second = transform.apply(image, new SplittableRandom(5))) {
            assertThat(Images.toBytes(first)).isEqualTo(Images.toBytes(second));
        }
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void takesARegionOfALargerImageForWhatItIs(Transform transform) {
        try (Mat whole = noise(20, 30);
                Mat view = new Mat(whole, new Rect(3, 2, 11, 13));
                Mat copy = view.clone();
                Mat ofView = transform.apply(view, new SplittableRandom(5));
                Mat ofCopy = transform.apply(copy, new SplittableRandom(5))) {
            assertThat(Images.toBytes(ofView)).isEqualTo(Images.toBytes(ofCopy));
        }
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void takesBlackAndWhiteAndPureColours(Transform transform) {
        for (int colour = 0; colour < 8; colour++) {
            byte[] bytes = new byte[3 * 6 * 6];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) ((colour >> (i % 3) & 1) * 255);
            }
            try (Mat image = Images.ofBytes(bytes, 6, 6);
                    Mat result = transform.apply(image, new SplittableRandom(colour))) {
                byte[] out = Images.toBytes(result);
                for (int i = 3; i < out.length; i++) {
                    assertThat(out[i]).as("a flat image stays flat").isEqualTo(out[i % 3]);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void refusesWhatIsNoRgbImage(Transform transform) {
        try (Mat grey = new Mat(4, 5, CV_8UC1);
                Mat empty = new Mat()) {
            assertThatThrownBy(() -> transform.apply(grey, new SplittableRandom(0)))
                    .hasMessage("image must be RGB uint8 (CV_8UC3), but was CV_8UC1 of 5x4");
            assertThatThrownBy(() -> transform.apply(empty, new SplittableRandom(0)))
                    .hasMessage("image must be RGB uint8 (CV_8UC3), but was empty");
        }
    }

    static Mat noise(int rows, int cols) {
        byte[] bytes = new byte[3 * rows * cols];
        new Random(3).nextBytes(bytes);
        return Images.ofBytes(bytes, rows, cols);
    }
}
