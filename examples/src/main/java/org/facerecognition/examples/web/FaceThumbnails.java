package org.facerecognition.examples.web;

import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceAligner;
import org.facerecognition.vision.FaceTemplate;

/**
 * Stores one small JPEG of a face per gallery entry: in the folder {@code NAME.faces} beside the gallery's file, or in
 * memory for a gallery in memory. On disk, only the owner can read the thumbnails.
 *
 * <p>When an entry is removed, its thumbnail is overwritten and deleted. If another program removed the entry, this
 * happens the next time the folder is opened, and in memory when the gallery is listed, for 1,000 of them each time.
 * Entries that another program
 * enrolled have no thumbnail. Other files in the folder, such as photographs that it had before, are left alone.
 *
 * <p>Ids begin anew in a gallery that was deleted and filled again. The name of a thumbnail's file therefore has a
 * digest of the embedding beside the id, so that the face of a former person is not shown for another one.
 */
public abstract sealed class FaceThumbnails {
    /** The size of the thumbnails of all versions. */
    static final FaceTemplate SIZE = FaceTemplate.SQUARE_112;

    static final int MAX_IN_MEMORY = 10_000; // some 40 MB

    private static final int MAX_CONSIDERED = 1_000; // thumbnails in memory, by each listing

    /** Returns an empty store of the 10,000 thumbnails that were last used; it is lost when the program ends. */
    public static FaceThumbnails inMemory() {
        return new InMemory();
    }

    /**
     * Opens the thumbnails beside a gallery's file, and erases those of entries that the gallery does not have.
     *
     * @param gallery the gallery's file
     * @param embeddings returns the embedding of an entry, or empty if the gallery has no such entry
     */
    public static FaceThumbnails beside(Path gallery, LongFunction<Optional<float[]>> embeddings) throws IOException {
        Path folder = folder(AtomicFile.real(gallery));
        // earlier versions did not follow links to the gallery, and it may have lain there before it was moved
        Path formerFolder = folder(gallery.toAbsolutePath());
        InFolder thumbnails = new InFolder(folder, embeddings);
        if (Files.isDirectory(formerFolder) && !Files.isSameFile(formerFolder, folder)) {
            thumbnails.moveFrom(formerFolder);
        }
        return thumbnails;
    }

    /**
     * Erases the thumbnails of entries that a gallery no longer has, if there are any beside its file.
     *
     * @param gallery the gallery's file
     * @param embeddings returns the embedding of an entry, or empty if the gallery has no such entry
     */
    public static void eraseOthers(Path gallery, LongFunction<Optional<float[]>> embeddings) throws IOException {
        if (Files.isDirectory(folder(AtomicFile.real(gallery)))
                || Files.isDirectory(folder(gallery.toAbsolutePath()))) {
            beside(gallery, embeddings);
        }
    }

    private static Path folder(Path gallery) {
        return gallery.resolveSibling(gallery.getFileName() + ".faces");
    }

    /**
     * Stores the thumbnail of an entry.
     *
     * @param contentKey of the entry
     */
    abstract void put(long entry, String contentKey, byte[] jpeg) throws IOException;

    /** Returns the thumbnail of an entry as a JPEG, or empty if it has none. */
    abstract Optional<byte[]> get(long entry) throws IOException;

    /** Erases the thumbnail of an entry, if it has one. */
    abstract void remove(long entry) throws IOException;

    /**
     * Forgets thumbnails in memory whose entries another program has removed, as in a database that several servers
     * share. A call considers up to 1,000, and the next call goes on with others.
     */
    void forgetRemoved(Gallery gallery) {}

    private static final class InMemory extends FaceThumbnails {
        private record Thumbnail(String contentKey, byte[] jpeg) {}

        private long lastConsidered = -1;
        private final Map<Long, Thumbnail> thumbnails =
                new LinkedHashMap<>(16, 0.75f, true) { // in the order of last use
                    private static final long serialVersionUID = 1L;

                    @Override
                    protected boolean removeEldestEntry(Map.Entry<Long, Thumbnail> eldest) {
                        return size() > MAX_IN_MEMORY;
                    }
                };

        @Override
        synchronized void put(long entry, String contentKey, byte[] jpeg) {
            thumbnails.put(entry, new Thumbnail(contentKey, jpeg));
        }

        @Override
        synchronized Optional<byte[]> get(long entry) {
            return Optional.ofNullable(thumbnails.get(entry)).map(Thumbnail::jpeg);
        }

        @Override
        synchronized void remove(long entry) {
            thumbnails.remove(entry);
        }

        @Override
        void forgetRemoved(Gallery gallery) {
            Map<Long, String> considered = someContentKeys(); // their entries are in the gallery, or removed
            if (!considered.isEmpty()) { // one query for all
                gallery.withContentKeys(considered.values()).forEach(entry -> considered.remove(entry.id()));
                considered.keySet().forEach(this::remove);
            }
        }

        /** Returns the content keys of the next entries after those of the last call. */
        private synchronized Map<Long, String> someContentKeys() {
            Map<Long, String> keys = new HashMap<>();
            thumbnails.entrySet().stream() // which is no use of them
                    .filter(thumbnail -> thumbnail.getKey() > lastConsidered)
                    .sorted(Map.Entry.comparingByKey())
                    .limit(MAX_CONSIDERED)
                    .forEach(thumbnail ->
                            keys.put(thumbnail.getKey(), thumbnail.getValue().contentKey()));
            lastConsidered = keys.size() < MAX_CONSIDERED ? -1 : Collections.max(keys.keySet());
            return keys;
        }
    }

    private static final class InFolder extends FaceThumbnails {
        private static final int DIGITS = 16;
        private static final Pattern NAME = Pattern.compile("([0-9]{1,18})(-[0-9a-f]{" + DIGITS + "})?\\.jpg");

        private final Path folder;
        private final LongFunction<Optional<float[]>> embeddings; // of the gallery's entries
        private final Map<Long, Path> files = new ConcurrentHashMap<>(); // no other file is ever opened

        InFolder(Path folder, LongFunction<Optional<float[]>> embeddings) throws IOException {
            this.folder = folder;
            this.embeddings = embeddings;
            ConfidentialFile.createFolders(folder);
            ConfidentialFile.restrict(folder);
            AtomicFile.clean(folder);
            for (Path file : thumbnails(folder)) {
                long entry = entry(file);
                Optional<Path> current = file(entry);
                if (current.filter(file::equals).isPresent()) {
                    ConfidentialFile.restrict(file);
                    files.put(entry, file);
                } else if (current.isPresent() && isWithoutDigest(file) && !Files.exists(current.get())) {
                    ConfidentialFile.restrict(file);
                    Files.move(file, current.get());
                    files.put(entry, current.get());
                } else {
                    ConfidentialFile.erase(file);
                }
            }
        }

        /** Moves the thumbnails of present entries here from another folder; erases the others. */
        void moveFrom(Path formerFolder) throws IOException {
            for (Path file : thumbnails(formerFolder)) {
                long entry = entry(file);
                Optional<Path> current = file(entry);
                if (!files.containsKey(entry) && current.isPresent() && isOf(file, current.get())) {
                    put(entry, Files.readAllBytes(file));
                }
                ConfidentialFile.erase(file);
            }
        }

        /** Returns whether a thumbnail in any folder may be the one that is stored in a file today. */
        private static boolean isOf(Path thumbnail, Path current) {
            return isWithoutDigest(thumbnail) || thumbnail.getFileName().equals(current.getFileName());
        }

        /** Returns the file for the thumbnail of an entry, or empty if the gallery has no such entry. */
        private Optional<Path> file(long entry) {
            return entry < 0
                    ? Optional.empty()
                    : embeddings
                            .apply(entry)
                            .map(embedding -> folder.resolve(entry + "-" + digest(embedding) + ".jpg"));
        }

        private static String digest(float[] embedding) {
            ByteBuffer bytes = ByteBuffer.allocate(embedding.length * Float.BYTES);
            bytes.asFloatBuffer().put(embedding);
            String key = ContentKey.of(bytes.array()); // "sha256:" and digits
            return key.substring(key.indexOf(':') + 1).substring(0, DIGITS);
        }

        /** Returns the id of the entry whose thumbnail a file is, or -1 if it is not a thumbnail. */
        private static long entry(Path file) {
            Matcher name = NAME.matcher(file.getFileName().toString());
            return name.matches() ? Long.parseLong(name.group(1)) : -1;
        }

        /** Returns whether a file is a thumbnail of an earlier version, which wrote the id alone. */
        private static boolean isWithoutDigest(Path file) {
            Matcher name = NAME.matcher(file.getFileName().toString());
            return name.matches() && name.group(2) == null;
        }

        /**
         * Lists the thumbnails in a folder, and the temporary files of some that an earlier version left behind; those
         * with a digest first, since they are certain.
         */
        private static List<Path> thumbnails(Path folder) throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                return files.filter(InFolder::isThumbnail)
                        .sorted(Comparator.comparing(InFolder::isWithoutDigest))
                        .toList();
            }
        }

        /** A file with a number as its name may be the user's own photograph, so its size decides. */
        private static boolean isThumbnail(Path file) {
            return entry(file) >= 0 && !isWithoutDigest(file)
                    || file.getFileName().toString().matches("[0-9]+\\.jpg(\\.tmp)?")
                            && CropFile.hasSize(file, "jpeg", SIZE);
        }

        @Override
        void put(long entry, String contentKey, byte[] jpeg) throws IOException {
            put(entry, jpeg);
        }

        private void put(long entry, byte[] jpeg) throws IOException {
            Optional<Path> file = file(entry);
            if (file.isPresent()) { // else another program has just removed the entry
                write(entry, file.get(), jpeg);
            }
        }

        private synchronized void write(long entry, Path file, byte[] jpeg) throws IOException {
            ConfidentialFile.write(file, jpeg);
            files.put(entry, file);
        }

        @Override
        Optional<byte[]> get(long entry) throws IOException {
            Path file = files.get(entry);
            try {
                return file == null ? Optional.empty() : Optional.of(Files.readAllBytes(file));
            } catch (NoSuchFileException e) { // another thread has just removed it
                return Optional.empty();
            }
        }

        @Override
        synchronized void remove(long entry) throws IOException {
            Path file = files.get(entry);
            if (file != null) {
                ConfidentialFile.erase(file); // if it fails, another request can try again
                files.remove(entry);
            }
        }
    }

    /** Returns the thumbnail of a face in an image: the aligned face as a JPEG. */
    static byte[] of(Mat pixels, DetectedFace face) {
        try (Mat aligned = FaceAligner.align(pixels, face.pointArray(), SIZE);
                Mat bgr = new Mat();
                BytePointer bytes = new BytePointer()) {
            cvtColor(aligned, bgr, COLOR_RGB2BGR);
            imencode(".jpg", bgr, bytes);
            byte[] jpeg = new byte[(int) bytes.limit()];
            bytes.get(jpeg);
            return jpeg;
        }
    }
}
