package org.facerecognition.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;

/**
 * An open file for a reader that closes what it reads from, which leaves the file open. The reader can read a limited
 * number of bytes, because it makes objects of them that are many times as large.
 *
 * <p>A file that cannot be read is an UncheckedIOException, because the reader's own IOExceptions are about the bytes.
 */
final class BorrowedChannel implements SeekableByteChannel {
    private final FileChannel channel;
    private final Runnable limitReached;
    private long bytesLeft;
    private boolean open = true;

    /**
     * @param channel borrowed
     * @param maxBytes the number of bytes that may be read
     * @param limitReached is run instead of reading more; it must throw an exception
     */
    BorrowedChannel(FileChannel channel, long maxBytes, Runnable limitReached) {
        this.channel = channel;
        this.bytesLeft = maxBytes;
        this.limitReached = limitReached;
    }

    private interface Access<T> {
        T get() throws IOException;
    }

    private static <T> T ofFile(Access<T> access) {
        try {
            return access.get();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public int read(ByteBuffer into) {
        bytesLeft -= into.remaining();
        if (bytesLeft < 0) {
            limitReached.run();
        }
        return ofFile(() -> channel.read(into));
    }

    @Override
    public int write(ByteBuffer from) {
        throw new NonWritableChannelException();
    }

    @Override
    public SeekableByteChannel truncate(long size) {
        throw new NonWritableChannelException();
    }

    @Override
    public long position() {
        return ofFile(channel::position);
    }

    @Override
    public SeekableByteChannel position(long position) {
        ofFile(() -> channel.position(position));
        return this;
    }

    @Override
    public long size() {
        return ofFile(channel::size);
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    /** Leaves the file open. */
    @Override
    public void close() {
        open = false;
    }
}
