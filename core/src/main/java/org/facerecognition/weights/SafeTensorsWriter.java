package org.facerecognition.weights;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.io.AtomicFile;

/** Writes safetensors files. */
final class SafeTensorsWriter {
    private static final ObjectMapper JSON = new ObjectMapper();

    private SafeTensorsWriter() {}

    /** See {@link SafeTensors#writeParts}. */
    static void write(Path file, Map<String, TensorParts> tensors, Map<String, String> metadata) {
        try {
            AtomicFile.write(file, channel -> {
                writeAll(channel, header(tensors, metadata));
                for (TensorParts tensor : tensors.values()) {
                    writeTensor(channel, tensor);
                }
            });
        } catch (UncheckedIOException e) {
            throw new WeightsException(AtomicFile.cannotWrite(file, Objects.requireNonNull(e.getCause())), e);
        } catch (IOException e) {
            throw new WeightsException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    private static ByteBuffer header(Map<String, TensorParts> tensors, Map<String, String> metadata) {
        ObjectNode root = JSON.createObjectNode();
        ObjectNode texts = root.putObject(SafeTensors.METADATA);
        metadata.forEach(texts::put);
        long offset = 0;
        for (Map.Entry<String, TensorParts> named : tensors.entrySet()) {
            TensorParts tensor = named.getValue();
            ElementType type = ElementType.of(tensor.type());
            long end = offset + tensor.values() * type.bytes();
            ObjectNode entry = root.putObject(named.getKey());
            entry.put("dtype", type.name());
            var shape = entry.putArray("shape");
            for (long size : tensor.shape()) {
                shape.add(size);
            }
            entry.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] json = root.toString().getBytes(StandardCharsets.UTF_8);
        if (json.length > SafeTensors.MAX_HEADER_BYTES) {
            String largest = metadata.entrySet().stream()
                    .max(Comparator.comparingInt(entry -> entry.getValue().length()))
                    .map(Map.Entry::getKey)
                    .orElse("none");
            throw new WeightsException("the header of a safetensors file must have at most "
                    + (SafeTensors.MAX_HEADER_BYTES >> 20) + " MiB, but would have " + (json.length >> 20)
                    + ", most of it in the metadata \"" + largest + "\"; use shorter names");
        }
        int padded = (json.length + 7) / 8 * 8; // tensors start at a multiple of 8
        ByteBuffer header = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(padded).put(json);
        while (header.hasRemaining()) {
            header.put((byte) ' ');
        }
        return header.flip();
    }

    private static void writeTensor(FileChannel channel, TensorParts tensor) {
        tensor.parts().accept(part -> {
            try {
                writeTensor(channel, part);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static void writeTensor(FileChannel channel, Tensor tensor) throws IOException {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor onHost =
                    tensor.detach().to(new Device("cpu"), tensor.scalar_type()).contiguous();
            long bytes = onHost.numel() * onHost.element_size();
            BytePointer data = new BytePointer(onHost.data_ptr());
            for (long from = 0; from < bytes; from += Integer.MAX_VALUE / 2) {
                long to = Math.min(bytes, from + Integer.MAX_VALUE / 2);
                writeAll(channel, data.position(from).limit(to).asByteBuffer());
            }
        }
    }

    private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
