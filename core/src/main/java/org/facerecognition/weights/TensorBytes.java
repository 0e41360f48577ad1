package org.facerecognition.weights;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.io.AtomicFile;

/** Reads values from a file directly into the memory of a tensor, without a copy on the heap or a mapped file. */
final class TensorBytes {
    private static final long MAX_BYTES_PER_READ = 1L << 30; // a ByteBuffer holds less than 2 GiB

    private TensorBytes() {}

    /** Returns a new contiguous tensor on the CPU with arbitrary values; scoped, or owned where there is no scope. */
    static Tensor empty(ElementType type, long... shape) {
        try (TensorOptions options = new TensorOptions(type.scalarType());
                MemoryFormatOptional defaultFormat = new MemoryFormatOptional()) {
            return torch.empty(shape, options, defaultFormat);
        }
    }

    /**
     * Fills a contiguous tensor on the CPU.
     *
     * @param begin position of the values in the file, in bytes
     * @param into borrowed
     * @throws WeightsException when the file cannot be read or is too short
     */
    static void read(Path file, long begin, Tensor into) {
        read(file, begin, into, MAX_BYTES_PER_READ);
    }

    /** @param maxBytesPerRead the number of bytes to request from the operating system at once */
    static void read(Path file, long begin, Tensor into, long maxBytesPerRead) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            read(file, channel, begin, into, maxBytesPerRead);
        } catch (IOException e) {
            throw new WeightsException("weights file " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }

    /**
     * Fills a contiguous tensor on the CPU from an open file.
     *
     * @param file the path, for messages
     * @param channel the open file; borrowed
     * @param begin position of the values in the file, in bytes
     * @param into borrowed
     * @throws WeightsException when the file cannot be read or is too short
     */
    static void read(Path file, FileChannel channel, long begin, Tensor into) {
        read(file, channel, begin, into, MAX_BYTES_PER_READ);
    }

    private static void read(Path file, FileChannel channel, long begin, Tensor into, long maxBytesPerRead) {
        long bytes = into.numel() * into.element_size();
        if (bytes == 0) {
            return;
        }
        try (BytePointer memory = new BytePointer(into.data_ptr())) {
            long done = 0;
            while (done < bytes) {
                long to = Math.min(bytes, done + maxBytesPerRead);
                int read = channel.read(memory.position(done).limit(to).asByteBuffer(), begin + done);
                if (read < 0) {
                    throw new WeightsException(
                            file + " became shorter while it was read; another program may be writing to it");
                }
                done += read;
            }
        } catch (IOException e) {
            throw new WeightsException("weights file " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }
}
