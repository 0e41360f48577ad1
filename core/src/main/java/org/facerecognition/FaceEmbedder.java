package org.facerecognition;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntConsumer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.eval.Embedded;

/**
 * Turns images of faces into embeddings, in one {@link EmbeddingMode}: a {@link Recognizer}, or a {@link
 * PreparedRecognizer} for speed. However an image comes in (file, bytes, Java's or OpenCV's image, data set), it goes
 * one way: decoded at full size, turned upright, the face found and chosen where there is a detector, aligned or
 * framed, embedded. So the same pixels have the same embedding wherever they enter, bit for bit. (Java's and OpenCV's
 * decoders of JPEG differ in the last bit of pixels.)
 *
 * <p>For many threads at a time.
 */
public interface FaceEmbedder extends AutoCloseable {
    /** The false accept rate of {@link #verify(ImageSource, ImageSource)}: 0.1 %. */
    double USUAL_FALSE_ACCEPT_RATE = 0.001;

    /** How images become embeddings here. */
    EmbeddingMode embeddingMode();

    /**
     * Embeds the face in an image: framed as in training or, where there is a detector, the chosen face in it.
     *
     * @return the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws org.facerecognition.data.DataException when the image cannot be read, does not have the size that the
     *     framing needs, or no face is found in it
     */
    default float[] embed(ImageSource image) {
        return embedAll(List.of(image)).get(0);
    }

    /** Embeds an image file; as {@link #embed(ImageSource)}. */
    default float[] embed(Path image) {
        return embed(ImageSource.of(image));
    }

    /** Embeds a Java image; as {@link #embed(ImageSource)}. */
    default float[] embed(BufferedImage image) {
        return embed(ImageSource.of(image));
    }

    /**
     * Embeds OpenCV's image; as {@link #embed(ImageSource)}.
     *
     * @param image RGB, CV_8UC3; untouched
     */
    default float[] embed(Mat image) {
        return embed(ImageSource.of(image));
    }

    /** Embeds image files; as {@link #embedAll}. */
    default List<float[]> embed(List<Path> images) {
        return embedAll(images.stream().map(ImageSource::of).toList());
    }

    /**
     * Embeds images of faces, each as {@link #embed(ImageSource)} does.
     *
     * @return for each, in order, the embedding, of length {@link #embeddingSize} and Euclidean norm 1
     * @throws org.facerecognition.data.DataException when an image cannot be read, does not have the size that the
     *     framing needs, or no face is found in it
     */
    List<float[]> embedAll(List<? extends ImageSource> images);

    /**
     * Finds the faces in an image and embeds each.
     *
     * @return the most prominent first: large and near the middle; empty where there is none. Faces that are
     *     upside down, or whose landmarks cannot be a face's, are left out, for their embeddings would mean nothing
     * @throws org.facerecognition.data.DataException when the image cannot be read
     * @throws IllegalStateException when there is no detector
     */
    List<EmbeddedFace> faces(ImageSource image);

    /**
     * Embeds all samples of a data set, each as {@link #embed(ImageSource)} does, without augmentation. Without a
     * detector they are framed as the data set says.
     *
     * @return embeddings and labels, in the data set's order
     * @throws IllegalArgumentException when the model was trained on faces that were framed in another way
     * @throws org.facerecognition.data.DataException when an image cannot be used
     */
    default Embedded embed(FaceDataset faces) {
        return embed(faces, done -> {});
    }

    /**
     * Embeds all samples of a data set; as {@link #embed(FaceDataset)}.
     *
     * @param embedded is told the number of samples done so far, batch by batch
     */
    Embedded embed(FaceDataset faces, IntConsumer embedded);

    // ---- decisions ----

    /** Whether two images show the same person, judged by the model's threshold for a false accept rate of 0.1 %. */
    default VerificationResult verify(ImageSource a, ImageSource b) {
        return verify(a, b, threshold(USUAL_FALSE_ACCEPT_RATE));
    }

    /**
     * Whether two images show the same person.
     *
     * @throws org.facerecognition.data.DataException as {@link #embed(ImageSource)}
     * @throws IllegalStateException when the threshold was measured in another mode than {@link #embeddingMode}
     */
    default VerificationResult verify(ImageSource a, ImageSource b, Threshold threshold) {
        threshold.requireMode(embeddingMode());
        List<float[]> both = embedAll(List.of(a, b));
        return threshold.judge(Recognizer.similarity(both.get(0), both.get(1)));
    }

    /**
     * The threshold that was calibrated for a false accept rate, in this mode.
     *
     * @throws IllegalStateException when there is none, saying which there are
     */
    Threshold threshold(double falseAcceptRate);

    /** All thresholds of the model, of every mode it was calibrated in. */
    List<Threshold> allThresholds();

    /**
     * Finds thresholds for false accept rates of 1 %, 0.1 % and 0.01 %, as far as so many people can show them.
     *
     * @see #calibrate(FaceDataset, CalibrationSettings)
     */
    default List<Threshold> calibrate(FaceDataset strangers) {
        return calibrate(strangers, CalibrationSettings.DEFAULT);
    }

    /**
     * Finds the cosines at or above which two faces count as one person's, in this mode, on faces of people that the
     * model was not trained on, and keeps them for the model's file. All impostor pairs are compared, of some of the
     * people where there are more faces than the settings allow. Where there is a detector, images in which it finds no
     * face are left out.
     *
     * @param strangers people that the model was not trained on
     * @return for each rate that so many people can show, in the order of the settings: 25 people for 1 %, 78 for 0.1
     *     %, 246 for 0.01 %
     * @throws org.facerecognition.data.DataException when the model was trained on some of the people, or there are too
     *     few of them to show any of the rates, or their faces cannot be used
     * @throws IllegalArgumentException when the model was trained on faces that were framed in another way
     */
    List<Threshold> calibrate(FaceDataset strangers, CalibrationSettings settings);

    // ---- what it is ----

    /** Names of the people that the model was trained on, by label; empty before. */
    List<String> identities();

    /**
     * Tells models apart: embeddings of two may be compared only where this is the same.
     *
     * @return 16 hexadecimal digits
     */
    String fingerprint();

    /** Length of an embedding. */
    int embeddingSize();

    /** Side of the square input in pixels. */
    int imageSizePx();

    /** Waits for calls under way and frees the weights. */
    @Override
    void close();
}
