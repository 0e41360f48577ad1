package org.facerecognition.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.FileState;
import org.facerecognition.io.JsonTree;
import org.jspecify.annotations.Nullable;

/**
 * Files in the safetensors format: a length (8 bytes, little endian), a JSON header with the type, shape and position
 * of each tensor, then the values. Nothing in such a file can be executed, and Python can read it too.
 *
 * <p>Opening a file reads the header; values are read on request. They always come from the file that was opened, even
 * when another file has replaced it under the same name since, as happens with the checkpoints of a training run; a
 * file that is overwritten in place is refused from then on, where its time or size shows it. An open file is owned
 * by the caller; one that is not closed is closed when it is garbage collected.
 */
public final class SafeTensors implements TensorFile, AutoCloseable {
    static final String METADATA = "__metadata__";
    static final long MAX_HEADER_BYTES = 100L << 20; // the limit of the format's own implementation
    private static final int HEADERS_IN_HEAP = 4; // a header may take a fourth of the heap; JsonTree bounds its tree
    private static final int MAX_DIMENSIONS = 64; // libtorch's limit
    private static final int PIECE_BYTES = 1 << 18; // read at once
    private static final int MAX_PRINTED = 100; // characters

    /** The type and shape of a tensor, and its position after the header, in bytes. */
    private record Entry(ElementType type, Shape shape, long begin, long end) {
        Entry rows(Path file, String name, long from, long count) {
            long[] sizes = shape.toArray();
            if (sizes.length == 0 || sizes[0] < from + count) {
                throw new WeightsException(file + ": tensor \"" + name + "\" must have at least " + (from + count)
                        + " rows, but is " + shape);
            }
            long rowBytes = sizes[0] == 0 ? 0 : (end - begin) / sizes[0];
            sizes[0] = count;
            return new Entry(type, Shape.of(sizes), begin + from * rowBytes, begin + (from + count) * rowBytes);
        }
    }

    private final Path file;
    private final FileState state; // when it was opened
    private final FileChannel channel;
    private final long dataStart;
    private final Map<String, Entry> entries;
    private final Map<String, String> metadata;
    /** Memory to read into, or nothing while a thread uses it. One of its own for each tensor would wait for the GC. */
    private final AtomicReference<@Nullable ByteBuffer> spare = new AtomicReference<>();

    private SafeTensors(
            Path file,
            FileState state,
            FileChannel channel,
            long dataStart,
            Map<String, Entry> entries,
            Map<String, String> metadata) {
        this.file = file;
        this.state = state;
        this.channel = channel;
        this.dataStart = dataStart;
        this.entries = entries;
        this.metadata = metadata;
    }

    // ---- writing ----

    /**
     * Writes a file atomically: at any moment, either the previous file or the complete new one exists.
     *
     * @param tensors by name, written in this order; on any device and of any memory layout; borrowed
     * @param metadata text entries by name
     * @throws WeightsException when the file cannot be written; the previous one is then unchanged
     */
    public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) {
        Map<String, TensorParts> all = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> all.put(name, TensorParts.of(tensor)));
        writeParts(file, all, metadata);
    }

    /**
     * Writes a file as {@link #write} does, of tensors in parts.
     *
     * @param tensors by name, written in this order; borrowed
     * @throws WeightsException when the file cannot be written; the previous one is then unchanged
     */
    public static void writeParts(Path file, Map<String, TensorParts> tensors, Map<String, String> metadata) {
        SafeTensorsWriter.write(file, tensors, metadata);
    }

    // ---- reading ----

    /**
     * Opens a file and checks that it is complete: that the header can be read, and that each tensor lies within the
     * file and has the number of bytes that its shape requires.
     *
     * @return owned
     * @throws WeightsException when the file is missing, truncated or not of this format
     */
    public static SafeTensors open(Path file) {
        ForeignFile.describe(file).ifPresent(what -> {
            throw new WeightsException(file + " " + what);
        });
        FileState state = FileState.of(file);
        FileChannel channel = null;
        boolean opened = false;
        try {
            channel = FileChannel.open(file, StandardOpenOption.READ);
            long size = channel.size();
            long headerBytes = size < 8 ? -1 : readAt(channel, 0, 8).getLong();
            if (headerBytes < 2 || headerBytes > Math.min(size - 8, MAX_HEADER_BYTES)) {
                throw new WeightsException(file + " is truncated or not a safetensors file: " + size
                        + " bytes, of which the header claims " + headerBytes + "; use another copy");
            }
            long maxBytes = Runtime.getRuntime().maxMemory() / HEADERS_IN_HEAP;
            if (headerBytes > maxBytes) {
                throw new WeightsException(file + " is refused: its header must have at most " + maxBytes
                        + " bytes in this Java heap, but had " + headerBytes + "; give Java more memory (-Xmx)");
            }
            JsonNode root = JsonTree.read(readAt(channel, 8, (int) headerBytes).array());
            SafeTensors tensors = parse(file, state, channel, 8 + headerBytes, size, root);
            opened = true;
            return tensors;
        } catch (NoSuchFileException e) {
            throw new WeightsException("file " + file + " does not exist", e);
        } catch (JsonTree.TooLargeException e) {
            throw new WeightsException(
                    file + " is refused: its header must fit into memory, but " + e.getOriginalMessage(), e);
        } catch (JsonProcessingException e) {
            throw new WeightsException(
                    file + " is damaged or not a safetensors file: its header is not valid JSON or repeats a name", e);
        } catch (IOException e) {
            throw new WeightsException("cannot read " + file + ": " + AtomicFile.reason(e), e);
        } finally {
            if (!opened) {
                close(channel);
            }
        }
    }

    private static void close(@Nullable FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            // nothing is lost when a file that was only read cannot be closed
        }
    }

    private static SafeTensors parse(
            Path file, FileState state, FileChannel channel, long dataStart, long fileSize, JsonNode root) {
        if (!root.isObject()) {
            throw new WeightsException(file + " is damaged or not a safetensors file: its header is not a JSON object");
        }
        Map<String, Entry> entries = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : root.properties()) {
            if (field.getKey().equals(METADATA)) {
                field.getValue()
                        .properties()
                        .forEach(text ->
                                metadata.put(text.getKey(), text.getValue().asText()));
            } else {
                PickledTensors.checkName(file, field.getKey());
                entries.put(field.getKey(), entry(file, field.getKey(), field.getValue(), fileSize - dataStart));
            }
        }
        checkSeparate(file, entries);
        return new SafeTensors(file, state, channel, dataStart, entries, metadata);
    }

    /** Rejects overlapping tensors, as the format requires: by sharing bytes, a small file could claim much memory. */
    private static void checkSeparate(Path file, Map<String, Entry> entries) {
        List<Map.Entry<String, Entry>> byPosition = entries.entrySet().stream()
                .filter(named -> named.getValue().end() > named.getValue().begin())
                .sorted(Comparator.comparingLong(named -> named.getValue().begin()))
                .toList();
        for (int i = 1; i < byPosition.size(); i++) {
            Map.Entry<String, Entry> previous = byPosition.get(i - 1);
            Map.Entry<String, Entry> next = byPosition.get(i);
            if (next.getValue().begin() < previous.getValue().end()) {
                throw new WeightsException(file + " is refused: tensors \"" + previous.getKey() + "\" and \""
                        + next.getKey() + "\" must not overlap, but share the byte at offset "
                        + next.getValue().begin() + "; use another copy");
            }
        }
    }

    private static Entry entry(Path file, String name, JsonNode node, long dataBytes) {
        ElementType type = ElementType.of(node.path("dtype").asText())
                .orElseThrow(() -> new WeightsException(file + ": tensor \"" + name
                        + "\" must be of a known type, but was " + shortened(node.path("dtype"))));
        List<Long> sizes = new ArrayList<>();
        long bytes = type.bytes();
        long extent = bytes; // the same if no size were 0: libtorch multiplies the sizes before it notices a 0
        for (JsonNode size : node.path("shape")) {
            long value = size.isIntegralNumber() && size.canConvertToLong() ? size.asLong() : -1;
            boolean fits =
                    value >= 0 && sizes.size() < MAX_DIMENSIONS && (value == 0 || extent <= Long.MAX_VALUE / value);
            if (!fits) {
                throw new WeightsException(
                        file + ": tensor \"" + name + "\" has the impossible shape " + shortened(node.path("shape")));
            }
            bytes *= value;
            extent *= Math.max(1, value);
            sizes.add(value);
        }
        long begin = node.path("data_offsets").path(0).asLong(-1);
        long end = node.path("data_offsets").path(1).asLong(-1);
        if (begin < 0 || end < begin || end - begin != bytes) {
            throw new WeightsException(file + ": tensor \"" + name + "\" must have " + bytes
                    + " bytes, but its data offsets were [" + begin + ", " + end + ")");
        }
        if (end > dataBytes) {
            throw new WeightsException(file + " is truncated: tensor \"" + name + "\" ends at byte " + end + " of "
                    + dataBytes + "; use another copy");
        }
        return new Entry(type, new Shape(sizes), begin, end);
    }

    private static String shortened(JsonNode node) {
        String text = node.toString();
        return text.length() <= MAX_PRINTED ? text : text.substring(0, MAX_PRINTED) + "...";
    }

    private static ByteBuffer readAt(FileChannel channel, long position, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {}
        return buffer.flip();
    }

    /** Returns the path under which the file was opened. */
    @Override
    public Path file() {
        return file;
    }

    /** Returns the names of the tensors, in the order of the file. */
    @Override
    public List<String> names() {
        return List.copyOf(entries.keySet());
    }

    /** Returns the text entries of the header by name. */
    @Override
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    /**
     * Returns the shape of a tensor.
     *
     * @throws WeightsException when there is no tensor of that name
     */
    @Override
    public long[] shape(String name) {
        return require(name).shape().toArray();
    }

    /**
     * Reads a tensor.
     *
     * @return a new contiguous tensor on the CPU; scoped, or owned where there is no scope
     * @throws WeightsException when there is no tensor of that name, when its type is not read, or when the file cannot
     *     be read, is closed or was changed
     */
    @Override
    public Tensor read(String name) {
        Entry entry = require(name);
        if (!channel.isOpen()) {
            throw new WeightsException("weights file " + file + " cannot be read: it is closed");
        }
        if (!entry.type().isRead()) {
            throw new WeightsException(file + ": tensor \"" + name
                    + "\" must be of a type such as F32, F16 or I64, but was " + entry.type() + "; convert it first");
        }
        Tensor tensor = TensorBytes.empty(entry.type(), entry.shape().toArray());
        TensorBytes.read(file, channel, dataStart + entry.begin(), tensor);
        requireUnchanged();
        return tensor;
    }

    private void requireUnchanged() {
        FileState now = FileState.of(file);
        boolean same = !now.key().isEmpty() && now.key().equals(state.key()); // else another one has replaced it
        if (same && !now.equals(state)) { // there may be other values now, or half of them
            throw new WeightsException(file + " was changed after it had been opened; open it again");
        }
    }

    /**
     * Returns whether a tensor's values are float32.
     *
     * @throws WeightsException when there is no tensor of that name
     */
    public boolean isFloat32(String name) {
        return require(name).type() == ElementType.F32;
    }

    /**
     * Reads a tensor's values without libtorch.
     *
     * @param name of a tensor of float32
     * @param target receives the values, from its position on
     * @throws WeightsException when there is no such tensor, or the file cannot be read, is closed or was changed
     */
    public void readFloats(String name, FloatBuffer target) {
        if (!isFloat32(name)) {
            throw new WeightsException(file + ": tensor \"" + name + "\" must be float32, but was "
                    + require(name).type());
        }
        readBytes(name, bytes -> target.put(bytes.asFloatBuffer()));
    }

    /** Reads a tensor's values piece by piece, each in little-endian order and with whole values. */
    void readBytes(String name, Consumer<ByteBuffer> pieces) {
        Entry entry = require(name);
        ByteBuffer unused = spare.getAndSet(null);
        ByteBuffer piece =
                unused != null ? unused : ByteBuffer.allocateDirect(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        try {
            for (long from = entry.begin(); from < entry.end(); from += PIECE_BYTES) {
                piece.clear().limit((int) Math.min(PIECE_BYTES, entry.end() - from));
                while (piece.hasRemaining()) {
                    if (channel.read(piece, dataStart + from + piece.position()) < 0) {
                        throw new WeightsException(
                                file + " became shorter while it was read; another program may be writing to it");
                    }
                }
                pieces.accept(piece.flip());
            }
            requireUnchanged();
        } catch (ClosedByInterruptException e) {
            throw new WeightsException(
                    "weights file " + file + " cannot be read: this thread was interrupted, which closes it", e);
        } catch (ClosedChannelException e) {
            throw new WeightsException("weights file " + file + " cannot be read: it is closed", e);
        } catch (IOException e) {
            throw new WeightsException("weights file " + file + " cannot be read: " + AtomicFile.reason(e), e);
        } finally {
            spare.set(piece);
        }
    }

    /**
     * Returns a view of this file in which some tensors have a range of their rows only. The two share the open file:
     * closing one closes the other.
     *
     * @param names of the tensors
     * @param from first row
     * @param count number of rows
     * @throws WeightsException when one of the tensors has fewer rows
     */
    public SafeTensors rows(Predicate<String> names, long from, long count) {
        Map<String, Entry> some = new LinkedHashMap<>(entries);
        some.replaceAll((name, entry) -> names.test(name) ? entry.rows(file, name, from, count) : entry);
        return new SafeTensors(file, state, channel, dataStart, some, metadata);
    }

    private Entry require(String name) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new WeightsException(file + " has no tensor \"" + name + "\"");
        }
        return entry;
    }

    /** Closes the file; tensors that were read stay valid. */
    @Override
    public void close() {
        close(channel);
    }
}
