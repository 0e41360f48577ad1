package org.facerecognition.examples;

import com.sun.management.OperatingSystemMXBean;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.facerecognition.examples.web.FaceThumbnails;
import org.facerecognition.gallery.DatabaseGallery;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.SearchMethod;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/** Where a gallery is: in a file or in a database. Owns the connections; close it after the gallery. */
abstract sealed class GalleryPlace implements AutoCloseable {
    /**
     * Returns the place that an option names.
     *
     * @param text a file, or a JDBC URL
     * @return owned
     */
    static GalleryPlace of(String text) {
        return of(text, false);
    }

    /**
     * Returns the place that an option names.
     *
     * @param onDisk whether the embeddings of a file are left there; those of a large file are in any case
     * @return owned
     */
    static GalleryPlace of(String text, boolean onDisk) {
        if (!DatabaseAddress.isOne(text)) {
            return new InFile(PathConverter.path(text), onDisk);
        }
        if (onDisk) {
            throw new IllegalArgumentException("--on-disk must be given with a gallery in a file; a database keeps its"
                    + " embeddings on its own disk");
        }
        return new InDatabase(DatabaseAddress.of(text, System.getenv()));
    }

    /**
     * Deletes a new gallery's file if a command fails before it has enrolled anybody. It must be closed before the
     * gallery, whose lock keeps others out of the file.
     */
    static final class Unused implements AutoCloseable {
        private final @Nullable Path created;
        private final Gallery gallery;
        private boolean kept;

        /** @param created the file, if opening the gallery has made it */
        private Unused(@Nullable Path created, Gallery gallery) {
            this.created = created;
            this.gallery = gallery;
        }

        /** Keeps the file although it has no entries. */
        void keep() {
            kept = true;
        }

        @Override
        public void close() {
            if (created == null || kept || gallery.size() > 0) {
                return;
            }
            try {
                Files.delete(created.toRealPath());
            } catch (IOException e) {
                // an empty gallery can be used with every model
            }
        }
    }

    /** Returns what deletes the file of an opened gallery, if there is one, it is new, and nobody is enrolled in it. */
    abstract Unused unused(Gallery opened);

    /** Opens the gallery for changes, and creates it if there is none; owned. */
    abstract Gallery open(String fingerprint, int dimension);

    /**
     * Opens the gallery for enrolling very many entries, and creates it if there is none; owned. {@link #makeIndex}
     * must follow.
     */
    abstract Gallery openForMany(String fingerprint, int dimension);

    /** Makes the index of a gallery that is large enough for one and has none. */
    abstract void makeIndex(String fingerprint, int dimension);

    /** Opens the gallery for reading, which is possible while another process has it open; owned. */
    abstract Gallery read(String fingerprint, int dimension);

    /** Returns which model the gallery belongs to. */
    abstract GalleryInfo info();

    /** Opens the thumbnails of the gallery's faces, and erases those of entries that it does not have. */
    abstract FaceThumbnails thumbnails(Gallery gallery) throws IOException;

    /** Erases the face thumbnails that the page has stored for entries that the gallery does not have. */
    abstract void eraseOtherThumbnails(Gallery gallery) throws IOException;

    /** Says where thumbnails of faces are stored. */
    abstract String thumbnailsNote();

    @Override
    public abstract void close();

    private static final class InFile extends GalleryPlace {
        private final Path file;
        private final SearchMethod method;
        private boolean isNew;

        InFile(Path file, boolean onDisk) {
            this.file = file;
            this.method = onDisk || isLarge(file) ? SearchMethod.ON_DISK : SearchMethod.EXACT;
        }

        private static boolean isLarge(Path file) {
            long memory = ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();
            try {
                return Files.isRegularFile(file) && Files.size(file) > memory / 2;
            } catch (IOException e) {
                return false; // opening it tells why
            }
        }

        @Override
        Gallery open(String fingerprint, int dimension) {
            isNew = !Files.exists(file);
            return Gallery.open(file, fingerprint, dimension, method);
        }

        @Override
        Unused unused(Gallery opened) {
            return new Unused(isNew ? file : null, opened);
        }

        @Override
        Gallery openForMany(String fingerprint, int dimension) {
            isNew = !Files.exists(file);
            return Gallery.open(file, fingerprint, dimension, SearchMethod.ON_DISK); // nothing is searched
        }

        @Override
        void makeIndex(String fingerprint, int dimension) {
            // it is part of opening
        }

        @Override
        Gallery read(String fingerprint, int dimension) {
            return Gallery.openReadOnly(file, fingerprint, dimension, method);
        }

        @Override
        GalleryInfo info() {
            return Gallery.info(file);
        }

        @Override
        FaceThumbnails thumbnails(Gallery gallery) throws IOException {
            try {
                return FaceThumbnails.beside(file, gallery::embedding);
            } catch (IOException e) {
                throw noThumbnails(e);
            }
        }

        @Override
        void eraseOtherThumbnails(Gallery gallery) throws IOException {
            try {
                FaceThumbnails.eraseOthers(file, gallery::embedding);
            } catch (IOException e) {
                throw noThumbnails(e);
            }
        }

        private IOException noThumbnails(IOException e) {
            return new IOException("the thumbnails in " + file + ".faces cannot be opened: " + AtomicFile.reason(e), e);
        }

        @Override
        String thumbnailsNote() {
            return "images of the faces in " + file + ".faces";
        }

        @Override
        public void close() {
            // there are no connections
        }

        @Override
        public String toString() {
            return file.toString();
        }
    }

    private static final class InDatabase extends GalleryPlace {
        private final DatabaseAddress address;
        private final HikariDataSource connections;

        InDatabase(DatabaseAddress address) {
            this.address = address;
            this.connections = address.connections();
        }

        @Override
        Gallery open(String fingerprint, int dimension) {
            return Gallery.connect(connections, address.gallery(), fingerprint, dimension);
        }

        @Override
        Unused unused(Gallery opened) {
            return new Unused(null, opened); // an empty gallery stays, and can be used with every model
        }

        @Override
        Gallery openForMany(String fingerprint, int dimension) {
            return Gallery.connect(connections, address.gallery(), fingerprint, dimension, SearchMethod.EXACT);
        }

        @Override
        void makeIndex(String fingerprint, int dimension) {
            try (DatabaseGallery gallery = Gallery.connect(connections, address.gallery(), fingerprint, dimension)) {
                gallery.makeIndex();
            }
        }

        @Override
        Gallery read(String fingerprint, int dimension) {
            return Gallery.connectReadOnly(connections, address.gallery(), fingerprint, dimension);
        }

        @Override
        GalleryInfo info() {
            return Gallery.info(connections, address.gallery());
        }

        @Override
        FaceThumbnails thumbnails(Gallery gallery) {
            return FaceThumbnails.inMemory();
        }

        @Override
        void eraseOtherThumbnails(Gallery gallery) {
            // none are stored
        }

        @Override
        String thumbnailsNote() {
            return "images of the faces in memory until the server stops";
        }

        @Override
        public void close() {
            connections.close();
        }

        @Override
        public String toString() {
            return address.toString();
        }
    }
}
