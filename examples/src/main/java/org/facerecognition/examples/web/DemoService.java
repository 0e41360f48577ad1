package org.facerecognition.examples.web;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.EmbeddedFace;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.VerificationResult;
import org.facerecognition.data.DataException;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Photograph;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Match;
import org.facerecognition.gallery.Outcome;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * Enrolls, identifies and compares faces for the demo page: takes names and encoded images, and returns records that
 * become JSON. It knows nothing of HTTP except the status of an {@link ApiException}. Safe for use by several threads.
 *
 * <p>What analyzes an image and then needs the gallery has two steps: the first analyzes the image and returns the
 * second, which may have to wait for a database.
 */
final class DemoService {
    private static final int MAX_NAME_LENGTH = 100;
    private static final int MAX_LISTED = 500;
    private static final long MAX_PIXELS = 25_000_000; // 75 MB when decoded, for each image that is being processed

    private final FaceEmbedder recognizer;
    private final FaceDetector detector;
    private final Gallery gallery;
    private final FaceThumbnails thumbnails;
    private final Threshold threshold;
    private final Enroller enroller;

    /**
     * @param recognizer has the detector; borrowed
     * @param detector counts faces that are not embedded; borrowed
     * @param gallery holds the recognizer's embeddings; borrowed
     */
    DemoService(
            FaceEmbedder recognizer,
            FaceDetector detector,
            Gallery gallery,
            FaceThumbnails thumbnails,
            Threshold threshold) {
        this.recognizer = recognizer;
        this.detector = detector;
        this.gallery = gallery;
        this.thumbnails = thumbnails;
        this.threshold = threshold;
        this.enroller = new Enroller(gallery, thumbnails);
    }

    // ---- responses: the names of the components are the JSON keys, which clients rely on ----

    /**
     * The settings that the page shows and applies.
     *
     * @param threshold the cosine at or above which two faces count as one person's
     * @param falseAcceptRate the rate that this threshold was calibrated for, or null if it was not
     * @param mostBytes the largest allowed image, in bytes
     */
    record Settings(double threshold, @Nullable Double falseAcceptRate, int mostBytes) {}

    /**
     * The entry of an enrolled face.
     *
     * @param portrait the aligned face, as a data URL
     */
    record Enrolled(long entry, String name, String portrait, int facesInPicture) {}

    /**
     * A face and its identity.
     *
     * @param box x, y, width and height in the image, in pixels
     * @param portrait the aligned face, as a data URL
     * @param best the person whose face it is, or null if that person is unknown
     * @param nearest the most similar entry, whether or not it reaches the threshold; null if the gallery is empty
     */
    record IdentifiedFace(
            double[] box,
            String portrait,
            @Nullable Candidate best,
            @Nullable Candidate nearest) {}

    /** An entry of the gallery and its similarity to a face. */
    record Candidate(String name, long entry, double cosine) {}

    /**
     * All faces of an image.
     *
     * @param width the width of the image to which the boxes refer, in pixels
     * @param height its height, in pixels
     */
    record Identified(int width, int height, double threshold, List<IdentifiedFace> faces) {}

    /**
     * The comparison of two images by the face of each that the recognizer chooses.
     *
     * @param portraits the two aligned faces, as data URLs
     * @param facesInPictures the number of faces in each image
     */
    record Compared(
            boolean same,
            double cosine,
            double threshold,
            @Nullable Double falseAcceptRate,
            List<String> portraits,
            List<Integer> facesInPictures) {}

    /**
     * The content of the gallery.
     *
     * @param total the number of all entries
     * @param entries the newest 500, the newest first
     */
    record Listed(int total, List<ListedEntry> entries) {}

    /** An entry of the gallery and the name it was enrolled under. */
    record ListedEntry(long entry, String name) {}

    // ---- requests ----

    /** Returns the settings that the page shows and applies. */
    Settings settings() {
        return new Settings(threshold.cosine(), falseAcceptRate(), Upload.MAX_BYTES);
    }

    private @Nullable Double falseAcceptRate() {
        return threshold.falseAcceptRate().isPresent()
                ? threshold.falseAcceptRate().getAsDouble()
                : null;
    }

    /**
     * Enrolls the face of an image that the recognizer chooses. If the same image is already enrolled under this name,
     * returns its entry and adds none. The second step throws an {@link ApiException} when the image is enrolled under
     * another name.
     *
     * @throws ApiException when the name or the image is rejected
     */
    Supplier<Enrolled> enroll(@Nullable String name, byte[] encoded) {
        String checkedName = checkedName(name);
        String contentKey = ContentKey.of(encoded);
        ChosenFace face = chosenFace(encoded, "sent");
        return () -> enrolled(checkedName, contentKey, face);
    }

    private Enrolled enrolled(String checkedName, String contentKey, ChosenFace face) {
        long entry = enroller.enroll(checkedName, contentKey, face);
        String storedName = gallery.entry(entry).map(Entry::identity).orElse(checkedName);
        return new Enrolled(entry, storedName, dataUrl(face.thumbnail()), face.facesInImage());
    }

    private static String checkedName(@Nullable String name) {
        String stripped = name == null ? "" : name.strip();
        if (stripped.isEmpty() || stripped.length() > MAX_NAME_LENGTH) {
            throw new ApiException(
                    400, "a name must have 1 to " + MAX_NAME_LENGTH + " characters, but has " + stripped.length());
        }
        try {
            return Gallery.checkName(stripped);
        } catch (IllegalArgumentException e) {
            throw new ApiException(400, String.valueOf(e.getMessage()).replaceFirst("^identity", "a name"));
        }
    }

    /** Identifies every face in an image. The second step searches the gallery. */
    Supplier<Identified> identify(byte[] encoded) {
        try (Mat pixels = decode(encoded, "sent")) {
            ImageSource image = ImageSource.of(pixels);
            List<EmbeddedFace> found = examined(image, "sent", recognizer::faces);
            if (found.isEmpty()) {
                throw examined(image, "sent", this::noFace);
            }
            List<FoundFace> faces = found.stream()
                    .map(face -> new FoundFace(
                            face.where().box(), dataUrl(FaceThumbnails.of(pixels, face.where())), face.embedding()))
                    .toList();
            int width = pixels.cols();
            int height = pixels.rows();
            return () -> new Identified(width, height, threshold.cosine(), identified(faces));
        }
    }

    /** A face that is to be identified; its portrait is a data URL. */
    private record FoundFace(DetectedFace.Box box, String portrait, float[] embedding) {}

    private List<IdentifiedFace> identified(List<FoundFace> found) {
        List<Outcome> outcomes =
                gallery.identify(found.stream().map(FoundFace::embedding).toList(), 1, threshold.cosine());
        List<IdentifiedFace> faces = new ArrayList<>();
        for (int i = 0; i < outcomes.size(); i++) {
            faces.add(identifiedFace(found.get(i), outcomes.get(i)));
        }
        return faces;
    }

    /** Says why there is nobody to identify: there is no face, or none that can be embedded. */
    private ApiException noFace(ImageSource image) {
        try (Photograph photograph = Photograph.read(image, detector)) {
            String why = photograph.detect().isEmpty()
                    ? String.format(
                            Locale.ROOT,
                            "the image sent must show a face, but none was found in its %dx%d pixels",
                            photograph.widthPx(),
                            photograph.heightPx())
                    : "no usable face was found in the image sent: it is upside down, or its five landmarks cannot be a"
                            + " face's";
            return new ApiException(422, why + "; take one where the face is upright, larger or clearer");
        }
    }

    private static IdentifiedFace identifiedFace(FoundFace face, Outcome outcome) {
        Candidate best = outcome.best().map(DemoService::candidate).orElse(null);
        Candidate nearest = outcome instanceof Outcome.Unknown unknown
                ? unknown.nearest().map(DemoService::candidate).orElse(null)
                : best;
        DetectedFace.Box box = face.box();
        return new IdentifiedFace(
                new double[] {box.x(), box.y(), box.width(), box.height()}, face.portrait(), best, nearest);
    }

    private static Candidate candidate(Match match) {
        return new Candidate(match.identity(), match.entry(), match.cosine());
    }

    /** Decides whether the faces of two images that the recognizer chooses are one person's. */
    Compared compare(byte[] first, byte[] second) {
        ChosenFace a = chosenFace(first, "sent first");
        ChosenFace b = chosenFace(second, "sent second");
        VerificationResult result = threshold.judge(Recognizer.similarity(a.embedding(), b.embedding()));
        return new Compared(
                result.same(),
                result.cosine(),
                result.threshold(),
                falseAcceptRate(),
                List.of(dataUrl(a.thumbnail()), dataUrl(b.thumbnail())),
                List.of(a.facesInImage(), b.facesInImage()));
    }

    /** Lists the gallery's newest entries. Faces of people whom another server has removed are forgotten. */
    Listed list() {
        thumbnails.forgetRemoved(gallery);
        List<ListedEntry> newest = gallery.newest(MAX_LISTED).stream()
                .map(entry -> new ListedEntry(entry.id(), entry.identity()))
                .toList();
        return new Listed(gallery.size(), newest);
    }

    /** Returns the thumbnail of an entry's face as a JPEG, or empty if it has none. */
    Optional<byte[]> thumbnail(long entry) throws IOException {
        if (gallery.entry(entry).isEmpty()) { // another program may have removed it
            thumbnails.remove(entry);
            return Optional.empty();
        }
        return thumbnails.get(entry);
    }

    /**
     * Erases an entry and its thumbnail, and lists the gallery's newest entries. The thumbnail goes first, so that none
     * remains without an entry.
     *
     * @throws ApiException when there is no such entry
     */
    Listed remove(long entry) throws IOException {
        thumbnails.remove(entry);
        boolean removed = gallery.remove(entry);
        thumbnails.remove(entry); // a request that was enrolling it may have stored one meanwhile
        if (!removed) {
            throw new ApiException(404, "this entry does not exist; it may have been removed already");
        }
        return list();
    }

    // ---- analyzing an image ----

    /**
     * The face of an image that is used where it shows several.
     *
     * @param thumbnail the aligned face, as a JPEG
     * @param facesInImage the number of faces that can be embedded, at least 1
     */
    record ChosenFace(float[] embedding, byte[] thumbnail, int facesInImage) {}

    /**
     * Decodes an image and embeds the face that the recognizer chooses, as the commands do: if that face cannot be
     * used, no other face takes its place.
     *
     * @param name what messages call the image: "the image {@code name} ..."
     * @throws ApiException when the image cannot be decoded, is too large, or has no such face
     */
    private ChosenFace chosenFace(byte[] encoded, String name) {
        try (Mat pixels = decode(encoded, name)) {
            ImageSource image = ImageSource.of(pixels);
            EmbeddedImage embedded = embedded(image);
            embedded.problem().ifPresent(problem -> {
                throw new ApiException(422, sentence(problem, image.name(), name));
            });
            return new ChosenFace(
                    embedded.embedding().orElseThrow(),
                    FaceThumbnails.of(pixels, embedded.face().orElseThrow()),
                    examined(image, name, this::countUsable));
        }
    }

    private int countUsable(ImageSource image) {
        try (Photograph photograph = Photograph.read(image, detector)) {
            return (int)
                    photograph.detect().stream().filter(photograph::isUsable).count();
        }
    }

    /** Examines an image; that this is not possible is a problem of the image. */
    private static <R> R examined(ImageSource image, String name, Function<ImageSource, R> examination) {
        try {
            return examination.apply(image);
        } catch (DataException e) {
            throw new ApiException(422, sentence(e, image.name(), name));
        }
    }

    private EmbeddedImage embedded(ImageSource image) {
        try (Stream<EmbeddedImage> results = recognizer.embedEach(Stream.of(image))) {
            return results.findFirst().orElseThrow();
        }
    }

    /** Returns a message in which an image is called by another name. */
    private static String sentence(DataException problem, String from, String to) {
        return String.valueOf(problem.getMessage()).replaceFirst("^image " + Pattern.quote(from), "the image " + to);
    }

    private static Mat decode(byte[] encoded, String name) {
        try {
            return ImageReader.decode(encoded, name, MAX_PIXELS);
        } catch (DataException e) { // its advice, after the semicolon, is for data sets
            throw new ApiException(422, "the " + String.valueOf(e.getMessage()).replaceFirst(";.*", ""));
        }
    }

    private static String dataUrl(byte[] jpeg) {
        return "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(jpeg);
    }
}
