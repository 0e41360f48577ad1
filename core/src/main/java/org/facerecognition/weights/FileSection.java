package org.facerecognition.weights;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * A part of an open file as a stream, of which only a piece is in memory. A file that cannot be read is an
 * UncheckedIOException, because the IOExceptions of its readers are about the bytes.
 */
final class FileSection extends InputStream {
    private static final int PIECE_BYTES = 1 << 16;

    private final FileChannel channel;
    private final long end;
    private final long maxBytes;
    private final long readEnd; // where in the file reading ends
    private final ByteBuffer piece = ByteBuffer.allocate(PIECE_BYTES).limit(0);
    private long pieceEnd; // where in the file the piece ends
    private long marked;

    /**
     * @param channel borrowed; it must stay open while the stream is read
     * @param begin position in the file
     * @param bytes the number of bytes
     * @param maxBytes the number of bytes after which the stream ends, less than 2 GiB
     */
    FileSection(FileChannel channel, long begin, long bytes, long maxBytes) {
        this.channel = channel;
        this.pieceEnd = begin;
        this.marked = begin;
        this.end = begin + bytes;
        this.maxBytes = maxBytes;
        this.readEnd = begin + Math.min(bytes, maxBytes);
    }

    /** Returns the position in the file of the next byte. */
    long position() {
        return pieceEnd - piece.remaining();
    }

    /** Returns whether there are more bytes, but so many have been read that the stream has ended. */
    boolean isCut() {
        return position() == readEnd && readEnd < end;
    }

    private boolean isAtEnd() {
        if (piece.hasRemaining()) {
            return false;
        }
        piece.clear().limit((int) Math.min(PIECE_BYTES, readEnd - pieceEnd));
        int read = piece.hasRemaining() ? readPiece() : -1;
        piece.flip();
        pieceEnd += Math.max(0, read);
        return read < 0;
    }

    private int readPiece() {
        try {
            return channel.read(piece, pieceEnd);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public int read() {
        return isAtEnd() ? -1 : piece.get() & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        if (length == 0) {
            return 0;
        }
        if (isAtEnd()) {
            return -1;
        }
        int read = Math.min(length, piece.remaining());
        piece.get(into, offset, read);
        return read;
    }

    /** Returns the number of bytes left, also of those after which the stream ends; at most that limit. */
    @Override
    public int available() {
        return (int) Math.min(end - position(), maxBytes);
    }

    @Override
    public boolean markSupported() {
        return true;
    }

    @Override
    public synchronized void mark(int maxBytes) {
        marked = position();
    }

    @Override
    public synchronized void reset() {
        long back = position() - marked;
        if (back <= piece.position()) {
            piece.position((int) (piece.position() - back));
        } else {
            pieceEnd = marked;
            piece.limit(0);
        }
    }
}
