package org.facerecognition;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.eval.Embedded;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.SearchMethod;

/**
 * Turns images of faces into embeddings, in one {@link EmbeddingMode}: a {@link Recognizer}, or a {@link
 * PreparedRecognizer} for speed. Every image takes the same way, whether it is a file, bytes, a Java or OpenCV image or
 * a sample of a data set: it is decoded, rotated upright, its face is detected and chosen where there is a detector,
 * aligned or cropped, and embedded. So the same pixels have the same embedding, bit for bit, except in photographs that
 * are large enough for a JPEG to be decoded at a fraction of its size, see {@link org.facerecognition.data.Photograph}.
 * A Java or OpenCV image is taken to be upright: neither has an EXIF orientation. (The JPEG decoders of Java and OpenCV
 * differ in the last bit of pixels, and ImageIO may convert colors by a profile in the file, which OpenCV does not.)
 *
 * <p>Thread-safe.
 */
public interface FaceEmbedder extends AutoCloseable {
    /** The false accept rate of {@link #verify(ImageSource, ImageSource)}: 0.1 %. */
    double USUAL_FALSE_ACCEPT_RATE = 0.001;

    /** How images become embeddings at present. */
    EmbeddingMode embeddingMode();

    /**
     * Embeds the face in an image: cropped as in training or, where there is a detector, the chosen face.
     *
     * <p>A model that was trained on aligned crops takes every image for one: without a detector, a photograph is
     * resized whole, and its embedding and what is decided by it mean nothing. The first image that can only be a
     * photograph is logged as a warning, once in a process.
     *
     * @return the embedding, {@link #embeddingSize} values, unit-norm
     * @throws org.facerecognition.data.DataException when the image cannot be read, does not have the size that
     *     the crop needs, or no face is found in it
     * @throws IllegalStateException when the embedding is not finite, because the network's training has diverged
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
     * Embeds an OpenCV image; as {@link #embed(ImageSource)}.
     *
     * @param image RGB, CV_8UC3; borrowed, not changed
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
     * @return the embeddings in the order of the images, each {@link #embeddingSize} values, unit-norm
     * @throws org.facerecognition.data.DataException when an image cannot be read, does not have the size that
     *     the crop needs, or no face is found in it
     * @throws IllegalStateException when an embedding is not finite, because the network's training has diverged, or
     *     the thread is interrupted, which is seen before each batch of several images and while it waits for one
     * @throws NullPointerException when an image is null
     */
    List<float[]> embedAll(List<? extends ImageSource> images);

    /**
     * Embeds images of faces, each as {@link #embed(ImageSource)} does, for archives of any size: a bounded number of
     * images is read ahead on several threads while others are embedded, and an image that cannot be used does not stop
     * the others. A failure of another kind, such as of a detector that was closed or an embedding that is not finite,
     * comes after the elements before it. A thread that is interrupted gets an IllegalStateException at the next batch,
     * or while it waits for an image.
     *
     * @param images are taken as they are needed
     * @return an element for each image, in the same order, with its embedding or the reason why it has none; for one
     *     thread, to be used once
     */
    Stream<EmbeddedImage> embedEach(Stream<? extends ImageSource> images);

    /**
     * Finds the faces in an image and embeds each.
     *
     * @return the faces, the most prominent (large and near the middle) first; empty where there are none. Faces that
     *     are upside down, or whose landmarks are implausible, are left out, since their embeddings would be
     *     meaningless
     * @throws org.facerecognition.data.DataException when the image cannot be read
     * @throws IllegalStateException when there is no detector
     */
    List<EmbeddedFace> faces(ImageSource image);

    /**
     * Embeds all samples of a data set, each as {@link #embed(ImageSource)} does, without augmentation. Without a
     * detector they are cropped as the data set says.
     *
     * @return embeddings and labels, in the data set's order
     * @throws IllegalArgumentException when the model was trained on faces that were cropped in another way
     * @throws org.facerecognition.data.DataException when an image cannot be used
     * @throws IllegalStateException when an embedding is not finite, because the network's training has diverged, or
     *     the thread is interrupted, which is seen before each batch
     */
    default Embedded embed(FaceDataset faces) {
        return embed(faces, done -> {});
    }

    /**
     * Embeds all samples of a data set; as {@link #embed(FaceDataset)}.
     *
     * @param embedded receives the number of samples done so far, batch by batch
     */
    Embedded embed(FaceDataset faces, IntConsumer embedded);

    // ---- decisions ----

    /**
     * Decides whether two images show the same person, by the model's threshold for a false accept rate of 0.1 %.
     *
     * @throws org.facerecognition.data.DataException as {@link #embed(ImageSource)}
     * @throws IllegalStateException when no such threshold was calibrated in the present {@link #embeddingMode}, and as
     *     {@link #embedAll}
     */
    default VerificationResult verify(ImageSource a, ImageSource b) {
        return verify(a, b, threshold(USUAL_FALSE_ACCEPT_RATE));
    }

    /**
     * Decides whether two images show the same person.
     *
     * @throws org.facerecognition.data.DataException as {@link #embed(ImageSource)}
     * @throws IllegalStateException when the threshold was measured in another mode than {@link #embeddingMode}, and as
     *     {@link #embedAll}
     */
    default VerificationResult verify(ImageSource a, ImageSource b, Threshold threshold) {
        threshold.requireMode(embeddingMode());
        List<float[]> both = embedAll(List.of(a, b));
        return threshold.judge(Recognizer.similarity(both.get(0), both.get(1)));
    }

    /**
     * Returns the threshold that was calibrated for a false accept rate in the present mode.
     *
     * @throws IllegalStateException when there is none, naming those there are
     */
    Threshold threshold(double falseAcceptRate);

    /** Returns the thresholds of all modes the model was calibrated in. */
    List<Threshold> allThresholds();

    /**
     * Finds thresholds for false accept rates of 1 %, 0.1 % and 0.01 %, as far as there are enough people to estimate
     * them.
     *
     * @see #calibrate(FaceDataset, CalibrationSettings)
     */
    default List<Threshold> calibrate(FaceDataset strangers) {
        return calibrate(strangers, CalibrationSettings.DEFAULT);
    }

    /**
     * Finds thresholds in the present mode on faces of people the model was not trained on, and keeps them for the
     * model's file, in place of all thresholds of this mode that there were, also of other rates. All impostor pairs
     * are compared; where there are more faces than the settings allow, those of randomly chosen people. Where there is
     * a detector, images in which it finds no face are left out. A model from elsewhere does not say on whom it was
     * trained: thresholds calibrated on those people are too low. Without a detector, where the data set crops its
     * images in another way than the model does, the thresholds hold for faces cropped like that only, and {@link
     * #verify} and {@link #threshold(double)} do not use them.
     *
     * @param strangers people the model was not trained on
     * @return a threshold for each rate that the number of people can estimate, in the order of the settings: 25 people
     *     are needed for 1 %, 78 for 0.1 %, 246 for 0.01 %. With so few, the rate on other people is above the
     *     requested one half of the time or more; {@link Threshold.Evidence#upperBound} bounds it at 95 % confidence,
     *     and {@link CalibrationSettings#bounded} settings keep this bound to the requested rate
     * @throws org.facerecognition.data.DataException when the model was trained on some of the people, or two of
     *     their names differ only in case, spaces or Unicode form, or there are too few of them to estimate any of the
     *     rates, or their faces cannot be used
     * @throws IllegalArgumentException when the model was trained on faces that were cropped in another way
     */
    List<Threshold> calibrate(FaceDataset strangers, CalibrationSettings settings);

    // ---- galleries ----

    /** Opens or creates a gallery that is searched exactly; as {@link #openGallery(Path, SearchMethod)}. */
    default Gallery openGallery(Path file) {
        return openGallery(file, SearchMethod.EXACT);
    }

    /**
     * Opens or creates a gallery's file for embeddings of this model in its present {@link #embeddingMode}, to which
     * the gallery is bound; set the detector and mirror images before.
     *
     * @return owned
     * @throws org.facerecognition.gallery.GalleryException when the file cannot be read or written, is damaged, is
     *     already open for writing, or has entries of another model or embedding mode
     */
    default Gallery openGallery(Path file, SearchMethod method) {
        Gallery gallery = Gallery.open(file, fingerprint(), embeddingSize(), method);
        try {
            gallery.bindEmbeddingMode(embeddingMode().toString());
            return gallery;
        } catch (RuntimeException e) {
            gallery.close();
            throw e;
        }
    }

    // ---- properties ----

    /** Names of the people the model was trained on, by label; empty before a training. */
    List<String> identities();

    /**
     * Identifies the model: embeddings of two models may be compared only if this is equal.
     *
     * @return 16 hexadecimal digits
     */
    String fingerprint();

    /** The number of values of an embedding. */
    int embeddingSize();

    /** Side of the square input in pixels. */
    int imageSizePx();

    /** Waits for running calls and frees the weights. */
    @Override
    void close();
}
