package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * The contents of a checkpoint file, for a bitwise comparison with another checkpoint. The file is read without
 * libtorch and without the library's own reader, which could share a bug with the writer.
 */
final class CheckpointContents {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String METADATA = "__metadata__";
    /** JSON keys of measured times and rates, which differ between any two training runs. */
    private static final List<String> MEASURED =
            List.of("seconds", "trainSeconds", "waitSeconds", "formerSeconds", "imagesPerSecond", "waitShare");

    private final Map<String, String> texts = new TreeMap<>();
    private final Map<String, String> tensors = new TreeMap<>(); // SHA-256 digests of their bytes

    private CheckpointContents(Path file) {
        try (FileChannel channel = FileChannel.open(file)) {
            int headerBytes = Math.toIntExact(read(channel, 0, 8).getLong());
            JsonNode header = JSON.readTree(read(channel, 8, headerBytes).array());
            for (Map.Entry<String, JsonNode> entry : header.properties()) {
                JsonNode value = entry.getValue();
                if (entry.getKey().equals(METADATA)) {
                    for (Map.Entry<String, JsonNode> text : value.properties()) {
                        texts.put(text.getKey(), text.getValue().asText());
                    }
                } else {
                    int from = value.path("data_offsets").path(0).intValue();
                    int to = value.path("data_offsets").path(1).intValue();
                    tensors.put(entry.getKey(), digest(read(channel, 8L + headerBytes + from, to - from)));
                    texts.put("tensor " + entry.getKey(), value.path("dtype") + " " + value.path("shape"));
                }
            }
            texts.computeIfPresent("progress", (name, text) -> withoutMeasured(text));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ByteBuffer read(FileChannel channel, long position, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, position + buffer.position()) < 0) {
                throw new EOFException("the file ends at byte " + channel.size());
            }
        }
        return buffer.flip();
    }

    private static String digest(ByteBuffer bytes) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(bytes);
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java platform must provide SHA-256
        }
    }

    static CheckpointContents of(Path file) {
        return new CheckpointContents(file);
    }

    private static String withoutMeasured(String json) {
        try {
            JsonNode root = JSON.readTree(json);
            remove(root);
            root.path("epochs").forEach(CheckpointContents::remove);
            return root.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void remove(JsonNode node) {
        ((ObjectNode) node).remove(MEASURED);
    }

    /** Returns the number of completed steps that a training checkpoint records. */
    static long steps(Path file) {
        try (FileChannel channel = FileChannel.open(file)) {
            int headerBytes = Math.toIntExact(read(channel, 0, 8).getLong());
            JsonNode header = JSON.readTree(read(channel, 8, headerBytes).array());
            return JSON.readTree(header.path(METADATA).path("progress").asText())
                    .path("step")
                    .asLong();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the digests of the model's weights by name, without the states of optimizer and random generators. */
    Map<String, String> model() {
        Map<String, String> model = new TreeMap<>(tensors);
        model.keySet().removeIf(name -> !name.startsWith(ModelFiles.TENSOR_PREFIX));
        return model;
    }

    /** Returns the digests of the weights of a recognizer on the CPU, by name. */
    static Map<String, String> model(Recognizer recognizer) {
        Map<String, String> model = new TreeMap<>();
        try (PointerScope scope = new PointerScope()) {
            ModelFiles.tensors(recognizer.net()).forEach((name, tensor) -> {
                Tensor plain = tensor.detach().contiguous();
                model.put(
                        name,
                        digest(new BytePointer(plain.data_ptr())
                                .capacity(plain.nbytes())
                                .asByteBuffer()));
            });
        }
        return model;
    }

    int tensorCount() {
        return tensors.size();
    }

    /** Returns one line per tensor or metadata text that differs; empty if none does. */
    List<String> differencesFrom(CheckpointContents other) {
        List<String> differences = new ArrayList<>();
        Map<String, String> allTexts = new TreeMap<>(texts);
        other.texts.forEach(allTexts::putIfAbsent);
        for (String name : allTexts.keySet()) {
            String here = texts.get(name);
            String there = other.texts.get(name);
            if (here == null || !here.equals(there)) {
                differences.add(name + " is " + here + " and " + there);
            }
        }
        tensors.forEach((name, digest) -> {
            if (other.tensors.containsKey(name) && !digest.equals(other.tensors.get(name))) {
                differences.add("the values of tensor " + name + " differ");
            }
        });
        return differences;
    }

    /** Asserts that two files hold bitwise equal tensors and the same metadata apart from measured times. */
    static void assertSame(Path actual, Path expected) {
        CheckpointContents contents = of(expected);
        assertThat(contents.tensorCount()).as("tensors of %s", expected).isPositive();
        assertThat(of(actual).differencesFrom(contents))
                .as("%s compared with %s", actual, expected)
                .isEmpty();
    }
}
