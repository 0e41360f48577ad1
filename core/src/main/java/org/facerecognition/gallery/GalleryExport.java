package org.facerecognition.gallery;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;
import org.apache.commons.csv.CSVPrinter;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;
import org.facerecognition.io.LockedException;
import org.facerecognition.io.WriterLock;
import org.jspecify.annotations.Nullable;

/** Writes a gallery into a folder; see {@link GalleryTransfer#exportTo}. */
final class GalleryExport {
    private static final String LOCK = ".export.lock";
    private static final String PART = ".part"; // of a file that is not complete

    /** Is there from the beginning of an export to its end. */
    private static final String DESCRIPTION_PART = ExportDescription.FILE + PART;

    private final Gallery gallery;
    private final Path folder;

    GalleryExport(Gallery gallery, Path folder) {
        this.gallery = gallery;
        this.folder = folder;
    }

    long write(LongConsumer progress) {
        try {
            ConfidentialFile.createFolders(folder);
            try (WriterLock lock = WriterLock.ofConfidential(folder.resolve(LOCK), "an export")) {
                requireEmpty();
                return writeFiles(progress);
            }
        } catch (LockedException e) {
            throw new GalleryException(
                    "cannot export into " + folder
                            + ": another export writes into it; wait for its end, or choose another folder",
                    e);
        } catch (ClosedByInterruptException e) {
            throw new GalleryException("the export into " + folder + " was interrupted; run it again", e);
        } catch (IOException e) {
            throw new GalleryException(
                    "cannot export into " + folder + ": " + AtomicFile.reason(e)
                            + "; free some space or choose another folder",
                    e);
        }
    }

    /** An interrupted export may have left its files, some of them complete. */
    private void requireEmpty() throws IOException {
        Set<String> parts =
                Set.of(DESCRIPTION_PART, ExportDescription.EMBEDDINGS + PART, ExportDescription.ENTRIES + PART);
        Set<String> complete = Files.exists(folder.resolve(DESCRIPTION_PART))
                ? Set.of(ExportDescription.EMBEDDINGS, ExportDescription.ENTRIES)
                : Set.of();
        try (Stream<Path> files = Files.list(folder)) {
            files.map(file -> file.getFileName().toString())
                    .filter(name -> !parts.contains(name) && !complete.contains(name) && !name.equals(LOCK))
                    .findFirst()
                    .ifPresent(name -> {
                        throw new GalleryException("folder " + folder + " must be empty or new for an export, but has "
                                + name + "; choose another folder");
                    });
        }
    }

    private long writeFiles(LongConsumer progress) throws IOException {
        Path description = part(ExportDescription.FILE);
        Path embeddings = part(ExportDescription.EMBEDDINGS);
        Path entries = part(ExportDescription.ENTRIES);
        long written = 0;
        long embeddingsCheck;
        CRC32C entriesCheck = new CRC32C();
        try (NpyWriter npy = new NpyWriter(embeddings, gallery.dimension());
                CSVPrinter csv = new CSVPrinter(
                        new BufferedWriter(new OutputStreamWriter(
                                new CheckedOutputStream(Files.newOutputStream(entries), entriesCheck),
                                StandardCharsets.UTF_8)),
                        EntriesCsv.WRITTEN)) {
            List<StoredEntry> page;
            long last = 0;
            while (!(page = gallery.page(last, GalleryTransfer.PAGE)).isEmpty()) {
                for (StoredEntry stored : page) {
                    npy.write(stored.embedding());
                    csv.printRecord(
                            stored.entry().identity(),
                            stored.entry().note(),
                            stored.entry().contentKey(),
                            attributes(stored),
                            stored.enrolledAt());
                }
                written += page.size();
                last = page.get(page.size() - 1).entry().id();
                progress.accept(written);
            }
            embeddingsCheck = npy.finish();
        }
        AtomicFile.move(embeddings, folder.resolve(ExportDescription.EMBEDDINGS));
        AtomicFile.move(entries, folder.resolve(ExportDescription.ENTRIES));
        GalleryInfo info = new GalleryInfo(
                gallery.fingerprint(),
                gallery.dimension(),
                gallery.embeddingMode().orElse(null));
        new ExportDescription(
                        info,
                        written,
                        ExportDescription.hex(embeddingsCheck),
                        ExportDescription.hex(entriesCheck.getValue()))
                .write(description);
        AtomicFile.move(description, folder.resolve(ExportDescription.FILE));
        return written;
    }

    private static @Nullable String attributes(StoredEntry stored) {
        try {
            return stored.attributes().isEmpty() ? null : Attributes.json(stored.attributes());
        } catch (IllegalArgumentException e) { // another program has written them
            throw new GalleryException(
                    "entry " + stored.entry().id() + " cannot be exported: " + e.getMessage()
                            + "; correct them with setAttributes",
                    e);
        }
    }

    private Path part(String name) throws IOException {
        Path file = folder.resolve(name + PART);
        Files.deleteIfExists(file);
        ConfidentialFile.create(file);
        return file;
    }
}
