package org.facerecognition.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;

/**
 * An open file for a reader that closes what it reads from, which leaves the file open. The reader can read a limited
 * number of bytes, because it makes objects of them that are many times as large.
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

    @Override
    public int read(ByteBuffer into) throws IOException {
        bytesLeft -= into.remaining();
        if (bytesLeft < 0) {
            limitReached.run();
        }
        return channel.read(into);
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
    public long position() throws IOException {
        return channel.position();
    }

    @Override
    public SeekableByteChannel position(long position) throws IOException {
        channel.position(position);
        return this;
    }

    @Override
    public long size() throws IOException {
        return channel.size();
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
