package org.facerecognition.examples.web;

import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.EmbeddedFace;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.VerificationResult;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Match;
import org.facerecognition.gallery.Outcome;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceAligner;
import org.facerecognition.vision.FaceTemplate;
import org.jspecify.annotations.Nullable;

/** What can be asked for, without HTTP: images and names in, records that become JSON out. For many threads. */
final class DemoService {
    private static final int MAX_NAME_LENGTH = 100;
    private static final int MAX_LISTED = 500;
    private static final long MAX_PIXELS = 25_000_000; // 75 MB decoded, of as many images as are worked on at once

    private final Recognizer recognizer;
    private final Gallery gallery;
    private final FaceThumbnails portraits;
    private final Threshold threshold;
    private final Object enrolling = new Object();

    /** @param recognizer with a detector */
    DemoService(Recognizer recognizer, Gallery gallery, FaceThumbnails portraits, Threshold threshold) {
        this.recognizer = recognizer;
        this.gallery = gallery;
        this.portraits = portraits;
        this.threshold = threshold;
    }

    // ---- answers ----

    /** From where on faces are one person's; {@code falseAcceptRate} null where nobody measured it. */
    record Settings(double threshold, @Nullable Double falseAcceptRate, int mostBytes) {}

    /** @param portrait of the face, aligned, a data URL */
    record Enrolled(long entry, String name, String portrait, int facesInPicture) {}

    /** @param best who it is, or null for an unknown; {@code nearest} is whoever comes nearest, known or not */
    record IdentifiedFace(
            double[] box,
            String portrait,
            @Nullable Candidate best,
            @Nullable Candidate nearest) {}

    record Candidate(String name, long entry, double cosine) {}

    /** @param width of the image that the boxes lie in, in pixels */
    record Identified(int width, int height, double threshold, List<IdentifiedFace> faces) {}

    record Compared(
            boolean same,
            double cosine,
            double threshold,
            @Nullable Double falseAcceptRate,
            List<String> portraits,
            List<Integer> facesInPictures) {}

    /** @param entries the newest first, at most some hundred of them */
    record Listed(int total, List<ListedEntry> entries) {}

    record ListedEntry(long entry, String name) {}

    // ---- questions ----

    Settings settings() {
        return new Settings(threshold.cosine(), rate(), Upload.MAX_BYTES);
    }

    private @Nullable Double rate() {
        return threshold.falseAcceptRate().isPresent()
                ? threshold.falseAcceptRate().getAsDouble()
                : null;
    }

    /** Enrolls the most prominent face. */
    Enrolled enroll(@Nullable String name, byte[] picture) {
        String checked = checkedName(name);
        String contentKey = ContentKey.of(picture);
        try (Look look = look(picture, "sent")) {
            byte[] portrait = look.portrait(0);
            long entry;
            synchronized (enrolling) { // or the same image sent twice at once would be enrolled twice
                entry = enrolledAlready(checked, contentKey)
                        .orElseGet(() -> enroll(checked, look.mostProminent().embedding(), contentKey, portrait));
            }
            String kept = gallery.entry(entry).map(Entry::identity).orElse(checked);
            return new Enrolled(entry, kept, dataUrl(portrait), look.faces().size());
        }
    }

    private long enroll(String name, float[] embedding, String contentKey, byte[] portrait) {
        long entry = gallery.enroll(List.of(new Enrollment(name, embedding, null, contentKey)))[0];
        try {
            portraits.keep(entry, portrait);
            if (gallery.entry(entry).isEmpty()) { // removed by somebody else meanwhile
                portraits.drop(entry);
            }
        } catch (IOException e) {
            gallery.remove(entry);
            throw new UncheckedIOException("cannot keep the image of entry " + entry, e);
        }
        return entry;
    }

    /** The entry of the same image under the same name; the same image under another name is refused. */
    private Optional<Long> enrolledAlready(String name, String contentKey) {
        List<Entry> same = gallery.entries().stream()
                .filter(entry -> contentKey.equals(entry.contentKey()))
                .toList();
        Optional<Long> there = same.stream()
                .filter(entry -> Gallery.isSameName(entry.identity(), name))
                .map(Entry::id)
                .findFirst();
        if (there.isEmpty() && !same.isEmpty()) {
            throw new ApiException(
                    409,
                    "this image is enrolled as " + same.get(0).identity()
                            + " already; if that name is wrong, remove that entry first");
        }
        return there;
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
            throw new ApiException(400, e.getMessage().replaceFirst("^identity", "a name"));
        }
    }

    /** Who everybody in the image is. */
    Identified identify(byte[] picture) {
        try (Look look = look(picture, "sent")) {
            List<Outcome> outcomes = gallery.identify(
                    look.faces().stream().map(EmbeddedFace::embedding).toList(), 1, threshold.cosine());
            List<IdentifiedFace> faces = new ArrayList<>();
            for (int i = 0; i < outcomes.size(); i++) {
                faces.add(face(look, i, outcomes.get(i)));
            }
            return new Identified(look.whole().cols(), look.whole().rows(), threshold.cosine(), faces);
        }
    }

    private static IdentifiedFace face(Look look, int i, Outcome outcome) {
        Candidate best = outcome.best().map(DemoService::candidate).orElse(null);
        Candidate nearest = outcome instanceof Outcome.Unknown unknown
                ? unknown.nearest().map(DemoService::candidate).orElse(null)
                : best;
        DetectedFace.Box box = look.faces().get(i).where().box();
        return new IdentifiedFace(
                new double[] {box.x(), box.y(), box.width(), box.height()}, dataUrl(look.portrait(i)), best, nearest);
    }

    private static Candidate candidate(Match match) {
        return new Candidate(match.identity(), match.entry(), match.cosine());
    }

    /** Whether the most prominent faces of two images are one person's. */
    Compared compare(byte[] first, byte[] second) {
        try (Look a = look(first, "sent first");
                Look b = look(second, "sent second")) {
            VerificationResult verdict = threshold.judge(Recognizer.similarity(
                    a.mostProminent().embedding(), b.mostProminent().embedding()));
            return new Compared(
                    verdict.same(),
                    verdict.cosine(),
                    verdict.threshold(),
                    rate(),
                    List.of(dataUrl(a.portrait(0)), dataUrl(b.portrait(0))),
                    List.of(a.faces().size(), b.faces().size()));
        }
    }

    Listed list() {
        List<Entry> entries = gallery.entries();
        List<ListedEntry> newest = new ArrayList<>();
        for (int i = entries.size() - 1; i >= 0 && newest.size() < MAX_LISTED; i--) {
            newest.add(new ListedEntry(entries.get(i).id(), entries.get(i).identity()));
        }
        return new Listed(entries.size(), newest);
    }

    /** A JPEG. */
    Optional<byte[]> portrait(long entry) throws IOException {
        return portraits.of(entry);
    }

    /** Erases an entry and the image of its face. The image goes first, so that none is left without an entry. */
    boolean remove(long entry) throws IOException {
        portraits.drop(entry);
        return gallery.remove(entry);
    }

    // ---- looking at an image ----

    /** A decoded image and at least one face in it. */
    private record Look(Mat whole, List<EmbeddedFace> faces) implements AutoCloseable {
        EmbeddedFace mostProminent() {
            return faces.get(0);
        }

        byte[] portrait(int face) {
            try (Mat aligned = FaceAligner.align(whole, faces.get(face).where().pointArray(), FaceTemplate.SQUARE_112);
                    Mat bgr = new Mat();
                    BytePointer bytes = new BytePointer()) {
                cvtColor(aligned, bgr, COLOR_RGB2BGR);
                imencode(".jpg", bgr, bytes);
                byte[] jpeg = new byte[(int) bytes.limit()];
                bytes.get(jpeg);
                return jpeg;
            }
        }

        @Override
        public void close() {
            whole.close();
        }
    }

    private Look look(byte[] picture, String what) {
        Mat whole = decode(picture, what);
        try {
            List<EmbeddedFace> faces = recognizer.faces(ImageSource.of(whole));
            if (faces.isEmpty()) {
                throw new ApiException(
                        422,
                        String.format(
                                Locale.ROOT,
                                "the image %s must show a face, but none was found in its %dx%d pixels; take one where"
                                        + " the face is upright, larger or clearer",
                                what,
                                whole.cols(),
                                whole.rows()));
            }
            return new Look(whole, faces);
        } catch (RuntimeException e) {
            whole.close();
            throw e;
        }
    }

    private static Mat decode(byte[] picture, String what) {
        try {
            return ImageReader.decode(picture, what, MAX_PIXELS);
        } catch (DataException e) {
            throw new ApiException(422, "the " + e.getMessage().replaceFirst(";.*", "")); // the rest is for data sets
        }
    }

    private static String dataUrl(byte[] jpeg) {
        return "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(jpeg);
    }
}
