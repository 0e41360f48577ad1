package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.examples.web.StubDetector;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.vision.FaceDetector.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NoFaceTest {
    @TempDir
    Path root;

    /** Earlier, sides were suggested that the option refuses. */
    @ParameterizedTest
    @CsvSource({
        "640, 1000, 'try --max-side 1000 or --tiles'",
        "640, 12000, 'try --max-side 2560 or --tiles'",
        "3000, 12000, 'try --max-side 10000 or --tiles'",
        "10000, 12000, 'px are lost; try --tiles'"
    })
    void suggestsAnAllowedSide(int maxSidePx, int longerPx, String advice) throws IOException {
        Path file = new CliData(root).photograph("wide.png", false, longerPx, 40);
        StubDetector blind = new StubDetector(Settings.DEFAULT.withLargestSidePx(maxSidePx), List::of, false);
        assertThat(NoFace.explanation(file, blind))
                .hasValueSatisfying(sentence -> assertThat(sentence)
                        .startsWith("no face was found in " + file + "; it was shrunk from " + longerPx + " to "
                                + maxSidePx + " px")
                        .endsWith(advice));
    }

    @Test
    void suggestsNoSideThatTheDetectorsFileDoesNotTake() throws IOException {
        Path file = new CliData(root).photograph("wide.png", false, 2000, 40);
        FaceDetector ofOneSize = new BlindDetector(Settings.DEFAULT.withLargestSidePx(1280), 640);
        assertThat(NoFace.explanation(file, ofOneSize))
                .hasValueSatisfying(sentence -> assertThat(sentence)
                        .contains("; it was shrunk from 2000 to 640 px")
                        .endsWith("px are lost; try --tiles"));
    }

    private record BlindDetector(Settings settings, int maxSidePx) implements FaceDetector {
        @Override
        public String fingerprint() {
            return "blind";
        }

        @Override
        public List<DetectedFace> detect(Mat image) {
            return List.of();
        }

        @Override
        public boolean isUpsideDown(Mat image, DetectedFace face) {
            return false;
        }

        @Override
        public void close() {}
    }

    /** Earlier, a larger --max-side was suggested for a large image with such a face, and nothing said for others. */
    @ParameterizedTest
    @CsvSource({"320", "2000"})
    void saysThatAFaceIsUpsideDown(int widthPx) throws IOException {
        Path file = new CliData(root).photograph("photo.png", false, widthPx, 240);
        StubDetector upsideDown = new StubDetector(Settings.DEFAULT, () -> List.of(StubDetector.face(100, 100)), true);
        assertThat(NoFace.explanation(file, upsideDown)).hasValue(NoFace.unusable(file));
    }

    @Test
    void saysNoMoreOfASmallImage() throws IOException {
        Path file = new CliData(root).photograph("photo.png", false, 320, 240);
        assertThat(NoFace.explanation(file, new StubDetector(Settings.DEFAULT, List::of, false)))
                .isEmpty();
    }
}
