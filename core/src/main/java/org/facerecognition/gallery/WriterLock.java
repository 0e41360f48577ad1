package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Only one gallery writes to a file: held by the process, gone with it however it ends. */
/*
 * The lock is on a file of its own, {@code NAME.lock}, since compaction puts another file in the place of the gallery's.
 * Within a process the set is asked first: on Linux a second opening of a locked file, when closed, lets go of the lock.
 */
final class WriterLock implements AutoCloseable {
    private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();

    private final Path file;
    private final FileChannel channel;

    private WriterLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** @throws GalleryException when another holds it */
    static WriterLock of(Path file) {
        if (!HELD_HERE.add(file)) {
            throw taken(file, "this process");
        }
        @Nullable FileChannel channel = null;
        try {
            channel = FileChannel.open(
                    file.resolveSibling(file.getFileName() + ".lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            @Nullable FileLock lock = channel.tryLock();
            if (lock == null) {
                throw taken(file, "another process");
            }
            return new WriterLock(file, channel);
        } catch (IOException e) {
            release(file, channel);
            throw new GalleryException("cannot lock gallery " + file + ": " + e.getMessage(), e);
        } catch (GalleryException e) {
            release(file, channel);
            throw e;
        }
    }

    private static GalleryException taken(Path file, String by) {
        return new GalleryException("gallery " + file + " is open for writing in " + by
                + " already; close that one, or open this one for reading");
    }

    private static void release(Path file, @Nullable FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            // the lock is gone all the same
        } finally {
            HELD_HERE.remove(file);
        }
    }

    @Override
    public void close() {
        release(file, channel);
    }
}
