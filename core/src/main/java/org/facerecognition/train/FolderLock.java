package org.facerecognition.train;

import java.io.IOException;
import java.nio.file.Path;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.LockedException;
import org.facerecognition.io.WriterLock;
import org.facerecognition.weights.WeightsException;

/** Lets one training at a time write into a checkpoint folder; others may read from it. */
public final class FolderLock implements AutoCloseable {
    private static final String NAME = ".training.lock";

    private final WriterLock lock;

    private FolderLock(WriterLock lock) {
        this.lock = lock;
    }

    /**
     * Takes the lock and removes the partial files of killed trainings.
     *
     * @throws IllegalStateException when another training holds it, naming it
     * @throws WeightsException when the folder is not writable
     */
    public static FolderLock of(Path folder) {
        try {
            WriterLock lock = WriterLock.of(folder.resolve(NAME), "a training");
            AtomicFile.clean(folder);
            return new FolderLock(lock);
        } catch (LockedException e) {
            throw new IllegalStateException(
                    "another training writes into " + folder
                            + (e.holder() == null ? "" : " (" + e.holder() + ")")
                            + "; wait until it ends or choose another checkpoint folder",
                    e);
        } catch (IOException e) {
            throw new WeightsException(
                    "cannot write into checkpoint folder " + folder + ": " + AtomicFile.reason(e)
                            + "; choose another folder",
                    e);
        }
    }

    @Override
    public void close() {
        lock.close();
    }
}
