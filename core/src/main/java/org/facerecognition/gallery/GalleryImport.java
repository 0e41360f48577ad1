package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.LongConsumer;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/** Reads the entries of an exported gallery; see {@link GalleryTransfer#importFrom}. */
final class GalleryImport {
    private final Path folder;
    private final ExportDescription description;

    /** Takes a row. */
    private interface Rows {
        void accept(EntriesCsv.Row row, float[] embedding);
    }

    /** @throws GalleryException if it is not the folder of an exported gallery */
    GalleryImport(Path folder) {
        this.folder = folder;
        this.description = ExportDescription.read(folder);
    }

    GalleryTransfer.Exported exported() {
        Path file = folder.resolve(ExportDescription.EMBEDDINGS);
        try (NpyReader npy = NpyReader.open(file, info().dimension())) {
            return new GalleryTransfer.Exported(info(), npy.rows());
        } catch (IOException e) {
            throw new GalleryException("cannot read " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    private GalleryInfo info() {
        return description.info();
    }

    /**
     * Enrolls what the gallery does not have yet. All rows are read and checked before.
     *
     * @param to receives the rows and is flushed here
     * @param progress receives the number of rows so far, 0 while they are checked
     */
    void run(GalleryTransfer.Target to, LongConsumer progress) {
        ModelBinding.check(
                "the gallery",
                new GalleryInfo(to.gallery().fingerprint(), to.gallery().dimension()),
                info().fingerprint(),
                info().dimension(),
                "gallery");
        progress.accept(0);
        forEach((row, embedding) -> {
            to.checkTexts(new Entry(0, row.identity(), row.note(), row.contentKey()));
            to.checkAttributes(row.identity(), row.attributes());
        });
        @Nullable String mode = info().embeddingMode();
        if (mode != null) {
            to.gallery().bindEmbeddingMode(mode);
        }
        to.enrolledBy(() -> {
            forEach((row, embedding) -> {
                if (to.add(new Enrollment(row.identity(), embedding, row.note(), row.contentKey(), row.attributes()))) {
                    progress.accept(to.entries());
                }
            });
            to.flush();
        });
        progress.accept(to.entries());
    }

    private void forEach(Rows rows) {
        Path npyFile = folder.resolve(ExportDescription.EMBEDDINGS);
        Path csvFile = folder.resolve(ExportDescription.ENTRIES);
        try (NpyReader npy = NpyReader.open(npyFile, info().dimension());
                EntriesCsv csv = EntriesCsv.open(csvFile)) {
            long read = 0;
            EntriesCsv.@Nullable Row row;
            while ((row = csv.next()) != null) {
                if (read == npy.rows()) {
                    throw differ(csvFile, "more", npyFile, npy.rows());
                }
                read++;
                rows.accept(row, npy.next(read));
            }
            if (read < npy.rows()) {
                throw differ(csvFile, "only " + read, npyFile, npy.rows());
            }
            if (description.entries() >= 0 && description.entries() != read) {
                throw new GalleryException("folder " + folder + " must have " + description.entries() + " entries as "
                        + ExportDescription.FILE + " says, but has " + read + "; copy or export it again");
            }
            requireUnchanged(npyFile, description.embeddingsCheck(), npy.checksum(), "embeddings_crc32c");
            requireUnchanged(csvFile, description.entriesCheck(), csv.checksum(), "entries_crc32c");
        } catch (IOException e) {
            throw new GalleryException("cannot read the export in " + folder + ": " + AtomicFile.reason(e), e);
        }
    }

    private static GalleryException differ(Path csv, String rows, Path npy, long expected) {
        return new GalleryException(csv + " must have as many rows as " + npy + ", " + expected + ", but has " + rows
                + "; row N of one belongs to row N of the other");
    }

    private static void requireUnchanged(Path file, @Nullable String expected, long actual, String name) {
        if (expected != null && !expected.equals(ExportDescription.hex(actual))) {
            throw new GalleryException(file + " was changed or damaged after the export: its checksum differs; copy or"
                    + " export it again, or remove " + name + " from " + ExportDescription.FILE
                    + " if the change is yours");
        }
    }
}
