package org.facerecognition.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.FileState;

/** A file of any size that is read at given places and stays open until it is garbage collected. Thread-safe. */
/*
 * It is not mapped into memory. Where a page of a map cannot be read, because the file was shortened or its disk or
 * network failed, Java throws an InternalError without the name of the file. In compiled code of Java 17, it does so
 * only later, anywhere in the thread, which works on with zeros until then.
 *
 * An interrupt of a reading thread closes a FileChannel for all threads, so it is opened again where that happens.
 */
final class PositionedFile {
    private static final int MAX_LENGTH = 1 << 30;
    private static final int CHUNK_BYTES = 1 << 20; // Java keeps a buffer of this size for each thread that reads

    private final Path file;
    private final FileState state;
    private volatile FileChannel channel;

    private PositionedFile(Path file, FileState state, FileChannel channel) {
        this.file = file;
        this.state = state;
        this.channel = channel;
    }

    /**
     * @throws DataException when the file cannot be read
     * @throws IllegalStateException when the thread was interrupted
     */
    static PositionedFile open(Path file) {
        if (Thread.currentThread().isInterrupted()) { // nothing is wrong with the file
            throw new IllegalStateException("the thread was interrupted while it opened " + file);
        }
        try {
            FileState state = FileState.of(file);
            return new PositionedFile(file, state, FileChannel.open(file, StandardOpenOption.READ));
        } catch (NoSuchFileException e) {
            throw new DataException("data file " + file + " does not exist", e);
        } catch (IOException e) {
            throw new DataException("data file " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }

    Path file() {
        return file;
    }

    long size() {
        return state.bytes();
    }

    /** Reads a little-endian int at a byte offset; throws as {@link #read}. */
    int readInt(long at) {
        return numbers(at, Integer.BYTES).getInt();
    }

    /** Reads a little-endian long at a byte offset; throws as {@link #read}. */
    long readLong(long at) {
        return numbers(at, Long.BYTES).getLong();
    }

    private ByteBuffer numbers(long at, int bytes) {
        return ByteBuffer.wrap(read(at, bytes)).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Reads bytes at a byte offset. An interrupt of the thread is kept for later.
     *
     * @throws DataException when the file has no such bytes, was shortened or replaced, or cannot be read any more
     */
    byte[] read(long at, int length) {
        check(at, length);
        long max = maxBytes();
        if (length > max) {
            throw new DataException("data file " + file + " is damaged, or Java needs more memory (-Xmx): " + length
                    + " bytes at " + at + " must fit into half of the heap, " + max + " bytes");
        }
        byte[] bytes = new byte[length];
        boolean interrupted = false;
        try {
            for (int done = 0; done < length; ) {
                interrupted |= Thread.interrupted();
                FileChannel open = channel;
                try {
                    int count = Math.min(CHUNK_BYTES, length - done);
                    int read = open.read(ByteBuffer.wrap(bytes, done, count), at + done);
                    if (read < 0) {
                        throw new DataException("data file " + file + " was shortened while it was in use: it should"
                                + " have " + size() + " bytes; use another copy and start again");
                    }
                    done += read;
                } catch (ClosedChannelException e) { // by an interrupt of a thread that was reading
                    reopen(open);
                }
            }
        } catch (IOException e) {
            throw new DataException(
                    "data file " + file + " cannot be read: " + AtomicFile.reason(e)
                            + "; check its disk or network and start again",
                    e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        return bytes;
    }

    /** Returns how many bytes can be read at once, with this heap. */
    static long maxBytes() {
        return Math.min(MAX_LENGTH, Runtime.getRuntime().maxMemory() / 2);
    }

    private synchronized void reopen(FileChannel closed) throws IOException {
        if (channel != closed) {
            return; // another thread has opened it
        }
        FileState now = FileState.of(file);
        if (now.bytes() != state.bytes() || !now.key().equals(state.key())) {
            throw new DataException(
                    "data file " + file + " was removed or replaced while it was in use; start again with one copy");
        }
        boolean interrupted = Thread.interrupted(); // which would close this one too
        try {
            channel = FileChannel.open(file, StandardOpenOption.READ);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void check(long at, long length) {
        if (at < 0 || length < 0 || length > MAX_LENGTH || at > size() - length) {
            throw new DataException("data file " + file + " is truncated or damaged: it should have " + length
                    + " bytes at " + at + ", but has " + size() + " bytes in all; use another copy");
        }
    }
}
