package org.facerecognition;

import java.util.List;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.DataException;
import org.facerecognition.data.Framing;
import org.facerecognition.data.ImageSource;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceAligner;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * From a picture to the net's input: framed as in training, or, where there is a detector, a face that was found in it,
 * moved onto the template by its own points.
 */
final class FaceCutter {
    private final RecognizerModel model;
    private volatile @Nullable FaceDetector detector;

    FaceCutter(RecognizerModel model) {
        this.model = model;
    }

    /** One that goes on with the detector of now. */
    FaceCutter copy() {
        FaceCutter copy = new FaceCutter(model);
        copy.detector = detector;
        return copy;
    }

    void use(@Nullable FaceDetector detector) {
        if (detector != null) {
            checkTakesAlignedFaces();
        }
        this.detector = detector;
    }

    /** A model that has seen faces cut out in another way would take even its own people for strangers. */
    private void checkTakesAlignedFaces() {
        if (!model.framing().takesAlignedFaces()) {
            throw new IllegalStateException(
                    "faces that a detector finds must not be given to this model: it was trained"
                            + " on faces framed " + model.framing() + "; train it with framing "
                            + Framing.CELEBA_ALIGNED
                            + " (--align mean) or on aligned crops, or use it without a detector");
        }
    }

    /**
     * The net's input.
     *
     * @return of its size; the caller closes it
     * @throws DataException when the picture cannot be read, has not the size the framing needs, or shows no face
     */
    Mat cut(ImageSource picture) {
        FaceDetector current = detector;
        if (current == null) {
            try (Mat whole = read(picture)) {
                return model.framing().apply(whole, model.imageSizePx(), picture.name());
            }
        }
        checkTakesAlignedFaces(); // it may have been trained since
        try (Mat whole = picture.read()) {
            List<DetectedFace> faces = current.detect(whole);
            if (faces.isEmpty()) {
                throw new DataException("image " + picture.name() + " must show a face, but none was found in its "
                        + whole.cols() + "x" + whole.rows() + " pixels (score at least "
                        + current.settings().scoreThreshold() + ", side at least "
                        + current.settings().smallestFacePx()
                        + " px); take one where the face is upright, larger or clearer");
            }
            return aligned(whole, faces.get(0));
        }
    }

    /** As a data set's files are read. */
    private Mat read(ImageSource picture) {
        return model.framing() == Framing.WHOLE ? picture.read(model.imageSizePx()) : picture.read();
    }

    /** All faces of a picture, the most prominent first. */
    List<DetectedFace> find(Mat whole) {
        FaceDetector current = detector;
        if (current == null) {
            throw new IllegalStateException("a detector must be set to find faces, but there is none:"
                    + " recognizer.useDetector(FaceDetector.open(file))");
        }
        checkTakesAlignedFaces();
        return current.detect(whole);
    }

    /** The net's input of one of them; the caller closes it. */
    Mat aligned(Mat whole, DetectedFace face) {
        return FaceAligner.align(whole, face.pointArray(), model.imageSizePx());
    }
}
