package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.Crop;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceCropper;
import org.facerecognition.data.ImageSource;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.junit.jupiter.api.Test;

/** Tests the choice of one face among several detected ones, and the rejection of one that is upside down. */
class FaceChoiceTest {
    private static DetectedFace face(double x, double y, double side, double score) {
        List<DetectedFace.Point> points = Collections.nCopies(5, new DetectedFace.Point(x, y));
        return new DetectedFace(new DetectedFace.Box(x, y, side, side), points, score);
    }

    private final DetectedFace large = face(0, 0, 40, 0.8);
    private final DetectedFace central = face(94, 94, 12, 0.85);
    private final DetectedFace prominent = face(80, 80, 35, 0.75);
    private final DetectedFace confident = face(170, 10, 20, 0.95);
    private final List<DetectedFace> all = List.of(large, central, prominent, confident);

    @Test
    void choosesTheFaceThatEachNameDescribes() {
        assertThat(FaceChoice.LARGEST.of(all, 200, 200)).contains(large);
        assertThat(FaceChoice.MOST_CENTRAL.of(all, 200, 200)).contains(central);
        assertThat(FaceChoice.MOST_PROMINENT.of(all, 200, 200)).contains(prominent);
        assertThat(FaceChoice.HIGHEST_SCORE.of(all, 200, 200)).contains(confident);
        assertThat(FaceChoice.LARGEST.of(List.of(), 200, 200)).isEmpty();
        assertThat(FaceChoice.MOST_CENTRAL).hasToString("most-central");
    }

    @Test
    void onlyRejectsImagesWithSeveralFaces() {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector());
                Mat photo = SquareFaces.photo(320, 240, 1)) {
            SquareFaces.small(photo, 80, 120, 1);
            FaceCropper only = new FaceCropper(Crop.WHOLE, 112, detector, FaceChoice.ONLY);
            assertThat(only.locateAll(ImageSource.of(photo))).hasSize(1);
            only.crop(ImageSource.of(photo)).close();

            SquareFaces.large(photo, 208, 96, 1);
            assertThatThrownBy(() -> only.crop(ImageSource.of(photo)))
                    .isInstanceOf(DataException.class)
                    .hasMessage("image given must show only one face, but shows 2; cut the face out, or choose one:"
                            + " most-prominent, largest, most-central or highest-score");
            FaceCropper largest = new FaceCropper(Crop.WHOLE, 112, detector, FaceChoice.LARGEST);
            assertThat(largest.locate(ImageSource.of(photo)).face())
                    .contains(detector.detect(photo).get(0));
        }
    }

    /** In the corner of this photograph, the square lies beside the detector's grid, but on it once it is turned. */
    @Test
    void rejectsAFaceThatIsUpsideDown() {
        try (FaceDetector detector = FaceDetector.open(SquareFaces.detector());
                Mat photo = SquareFaces.photo(322, 240, 1);
                Mat other = SquareFaces.photo(322, 240, 1)) {
            SquareFaces.small(photo, 290, 200, 1);
            FaceCropper cropper = new FaceCropper(Crop.WHOLE, 112, detector, FaceChoice.MOST_PROMINENT);
            assertThat(detector.detect(photo)).hasSize(1);
            assertThatThrownBy(() -> cropper.crop(ImageSource.of(photo)))
                    .isInstanceOf(DataException.class)
                    .hasMessage("image given shows its face upside down; turn it by 180 degrees");
            assertThat(cropper.locateAll(ImageSource.of(photo))).isEmpty();
            SquareFaces.small(other, 82, 120, 1);
            assertThat(cropper.locateAll(ImageSource.of(other))).hasSize(1);
        }
    }
}
