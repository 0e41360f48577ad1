package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.OptionalLong;
import java.util.UUID;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;

/**
 * A gallery's file that belongs to another model, but has no entries, because enrolling failed or everybody was
 * removed. There is nothing in it that could not be compared, so that it can be bound to any model.
 */
final class EmptyGallery {
    private EmptyGallery() {}

    /** Ends the reading of a file at its first entry, since it may be long. */
    private static final class HasEntries extends RuntimeException {
        private static final long serialVersionUID = 1L;

        HasEntries() {
            super(null, null, false, false);
        }
    }

    /** Finds out whether there are entries, and which ids were used. */
    private static final class Ids implements LogReader.Sink {
        private long nextEntry;

        @Override
        public void enrolled(LogRecord.Enrolled entry, long offset) {
            throw new HasEntries();
        }

        @Override
        public void idTaken(long entry) {
            nextEntry = Math.max(nextEntry, entry + 1);
        }

        @Override
        public void removed(long entry) {
            idTaken(entry);
        }
    }

    /** Returns whether a file belongs to another model, or has embeddings of another length, and has no entries. */
    static boolean isOfAnotherModel(Path file, LogHeader wanted) {
        return nextEntry(file, wanted).isPresent();
    }

    /** Returns the lowest unused id of an empty gallery of another model; nothing for all other files. */
    private static OptionalLong nextEntry(Path file, LogHeader wanted) {
        try {
            LogHeader found = LogReader.header(file);
            boolean same = found.fingerprint().equals(wanted.fingerprint()) && found.dimension() == wanted.dimension();
            if (same || found.version() < LogHeader.VERSION) {
                return OptionalLong.empty();
            }
            Ids ids = new Ids();
            LogReader.read(file, found.fingerprint(), found.dimension(), 0, ids);
            return OptionalLong.of(Math.max(ids.nextEntry, found.firstEntry()));
        } catch (HasEntries e) {
            return OptionalLong.empty();
        } catch (GalleryException e) { // opening it says what is wrong
            return OptionalLong.empty();
        }
    }

    /**
     * Binds a file without entries to a model, if it belongs to another one. Ids that were used are not used again. The
     * caller has the lock of the file's writer.
     *
     * @param wanted has the model
     * @throws GalleryException if the file cannot be written; it is unchanged in this case
     */
    static void bind(Path file, LogFile.Opener opener, LogHeader wanted) {
        OptionalLong nextEntry = nextEntry(file, wanted);
        if (nextEntry.isEmpty()) {
            return;
        }
        LogHeader bound =
                new LogHeader(UUID.randomUUID(), wanted.dimension(), nextEntry.getAsLong(), wanted.fingerprint(), null);
        try {
            SavedGraph.erase(file);
            SavedIndex.erase(file);
            ConfidentialFile.Step nothing = () -> {};
            LogWriter.replace(file, opener, bound, Collections.emptyIterator(), offset -> {}, nothing, null)
                    .close();
        } catch (IOException e) {
            throw new GalleryException("cannot write gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }
}
