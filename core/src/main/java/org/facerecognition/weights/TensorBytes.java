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

/** Values from a file straight into a tensor's memory: nothing in between, on the heap or mapped. */
final class TensorBytes {
    private static final long MAX_AT_A_TIME = 1L << 30; // a ByteBuffer has less than 2 GiB

    private TensorBytes() {}

    /** A new contiguous tensor on the CPU, not filled. */
    static Tensor empty(ElementType type, long... shape) {
        try (TensorOptions options = new TensorOptions(type.scalarType());
                MemoryFormatOptional asUsual = new MemoryFormatOptional()) {
            return torch.empty(shape, options, asUsual);
        }
    }

    /**
     * Fills a contiguous tensor on the CPU.
     *
     * @param begin where in the file, in bytes
     * @throws WeightsException when the file cannot be read or is too short
     */
    static void read(Path file, long begin, Tensor into) {
        read(file, begin, into, MAX_AT_A_TIME);
    }

    /** @param mostAtATime bytes in one call to the operating system */
    static void read(Path file, long begin, Tensor into, long mostAtATime) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            read(file, channel, begin, into, mostAtATime);
        } catch (IOException e) {
            throw new WeightsException("weights file " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }

    /**
     * Fills a contiguous tensor on the CPU from a file that is open.
     *
     * @param file for messages
     * @throws WeightsException when it cannot be read or is too short
     */
    static void read(Path file, FileChannel channel, long begin, Tensor into) {
        read(file, channel, begin, into, MAX_AT_A_TIME);
    }

    private static void read(Path file, FileChannel channel, long begin, Tensor into, long mostAtATime) {
        long bytes = into.numel() * into.element_size();
        if (bytes == 0) {
            return;
        }
        try (BytePointer memory = new BytePointer(into.data_ptr())) {
            long done = 0;
            while (done < bytes) {
                long to = Math.min(bytes, done + mostAtATime);
                int read = channel.read(memory.position(done).limit(to).asByteBuffer(), begin + done);
                if (read < 0) {
                    throw new WeightsException(file + " has become shorter while it was read");
                }
                done += read;
            }
        } catch (IOException e) {
            throw new WeightsException("weights file " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }
}
