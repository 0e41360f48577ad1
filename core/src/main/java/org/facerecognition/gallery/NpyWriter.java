package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * Writes vectors as an array of NumPy, [N, D] in little-endian single precision (format version 1.0, see
 * numpy.lib.format), one after the other. The number of vectors need not be known before the last one.
 */
final class NpyWriter implements AutoCloseable {
    /** The length of the header, which is padded so that any number of rows fits; NumPy asks for a multiple of 64. */
    static final int HEADER_BYTES = 128;

    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    private static final int BUFFER_BYTES = 1 << 20;

    private final FileChannel channel;
    private final int dimension;
    private final ByteBuffer buffer;
    private final CRC32C checksum = new CRC32C();
    private long rows;

    /** @param file exists; replaced */
    NpyWriter(Path file, int dimension) throws IOException {
        this.channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
        this.dimension = dimension;
        this.buffer = ByteBuffer.allocate(Math.max(BUFFER_BYTES, Float.BYTES * dimension))
                .order(ByteOrder.LITTLE_ENDIAN);
        channel.position(HEADER_BYTES);
    }

    /** Appends a row. */
    void write(float[] row) throws IOException {
        if (buffer.remaining() < Float.BYTES * dimension) {
            flush();
        }
        for (float value : row) {
            buffer.putFloat(value);
        }
        rows++;
    }

    private void flush() throws IOException {
        buffer.flip();
        checksum.update(buffer.duplicate());
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        buffer.clear();
    }

    /**
     * Writes the rest and the header.
     *
     * @return the CRC32C of the values, without the header
     */
    long finish() throws IOException {
        flush();
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        header.put(MAGIC).putShort((short) (HEADER_BYTES - MAGIC.length - Short.BYTES));
        String shape = String.format(
                Locale.ROOT, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, dimension);
        header.put(shape.getBytes(StandardCharsets.US_ASCII));
        while (header.remaining() > 1) {
            header.put((byte) ' ');
        }
        header.put((byte) '\n').flip();
        channel.write(header, 0);
        return checksum.getValue();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
