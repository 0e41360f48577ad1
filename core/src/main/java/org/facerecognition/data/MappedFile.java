package org.facerecognition.data;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.facerecognition.io.AtomicFile;

/**
 * A read-only memory map of a file of any size; the operating system reads only the parts that are used. Thread-safe.
 */
final class MappedFile {
    /** Maps begin every GiB and are up to 2 GiB long, so that every range of up to 1 GiB lies in one map. */
    private static final int STRIDE_BITS = 30;

    private final Path file;
    private final long size;
    private final MappedByteBuffer[] maps;

    private MappedFile(Path file, long size, MappedByteBuffer[] maps) {
        this.file = file;
        this.size = size;
        this.maps = maps;
    }

    /** @throws DataException when the file cannot be read */
    static MappedFile open(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            MappedByteBuffer[] maps = new MappedByteBuffer[(int) (size >> STRIDE_BITS) + 1];
            for (int i = 0; i < maps.length; i++) {
                long from = (long) i << STRIDE_BITS;
                maps[i] = channel.map(FileChannel.MapMode.READ_ONLY, from, Math.min(Integer.MAX_VALUE, size - from));
                maps[i].order(ByteOrder.LITTLE_ENDIAN);
            }
            return new MappedFile(file, size, maps);
        } catch (NoSuchFileException e) {
            throw new DataException("data file " + file + " does not exist", e);
        } catch (ClosedByInterruptException e) { // nothing is wrong with the file
            throw new IllegalStateException("the thread was interrupted while it opened " + file, e);
        } catch (IOException e) {
            throw new DataException("data file " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }

    Path file() {
        return file;
    }

    long size() {
        return size;
    }

    /** Reads a little-endian int at a byte offset. */
    int readInt(long at) {
        check(at, Integer.BYTES);
        return maps[(int) (at >> STRIDE_BITS)].getInt((int) (at & (1 << STRIDE_BITS) - 1));
    }

    /** Reads a little-endian long at a byte offset. */
    long readLong(long at) {
        check(at, Long.BYTES);
        return maps[(int) (at >> STRIDE_BITS)].getLong((int) (at & (1 << STRIDE_BITS) - 1));
    }

    /** Copies bytes at a byte offset. */
    byte[] read(long at, int length) {
        check(at, length);
        long max = Runtime.getRuntime().maxMemory() / 2;
        if (length > max) {
            throw new DataException("data file " + file + " is damaged, or Java needs more memory (-Xmx): " + length
                    + " bytes at " + at + " must fit into half of the heap, " + max + " bytes");
        }
        byte[] bytes = new byte[length];
        maps[(int) (at >> STRIDE_BITS)].get((int) (at & (1 << STRIDE_BITS) - 1), bytes);
        return bytes;
    }

    private void check(long at, long length) {
        if (at < 0 || length < 0 || length > 1L << STRIDE_BITS || at > size - length) {
            throw new DataException("data file " + file + " is truncated or damaged: it should have " + length
                    + " bytes at " + at + ", but has " + size + " bytes in all; use another copy");
        }
    }
}
