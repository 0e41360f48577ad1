package org.facerecognition.weights;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.FileState;
import org.facerecognition.io.JsonTree;
import org.facerecognition.weights.StateDictUnpickler.Storage;
import org.facerecognition.weights.StateDictUnpickler.View;
import org.jspecify.annotations.Nullable;

/**
 * Reads the state dicts that {@code torch.save} writes. Since torch 1.6 they are a zip archive, with the pickle in
 * {@code data.pkl} and one stored entry per storage. The older format is a sequence of pickles followed by the
 * storages.
 *
 * <p>Opening a file checks names, shapes and extents. Values are read directly into the requested tensor; the file as a
 * whole is never in memory.
 */
final class PickledTensors implements TensorFile {
    private static final int MAX_NAME = 1000;

    /** The metadata in a TorchScript archive that this library exported. */
    private static final String EXPORT_CONTRACT = "extra/contract.json";

    private static final String EXPORT_FORMAT = "face-recognition export ";

    /** The largest number of values that a view may make of fewer values in the file. */
    private static final long MAX_REPEATED_VALUES = 1L << 22;

    private final Path file;
    private final FileState state; // when it was opened
    private final CheckpointParts.Found found;
    private final Map<String, Place> places; // by the key of the storage
    private final Map<String, String> metadata;

    /** The position and length of a storage in the file, in bytes. */
    record Place(long begin, long bytes) {}

    private PickledTensors(
            Path file,
            FileState state,
            CheckpointParts.Found found,
            Map<String, Place> places,
            Map<String, String> metadata) {
        this.file = file;
        this.state = state;
        this.found = found;
        this.places = places;
        this.metadata = Map.copyOf(metadata);
    }

    /**
     * Opens a file and checks that each tensor lies within its storage, and each storage within the file.
     *
     * @throws WeightsException when the file is damaged, truncated, or contains more than plain tensors
     */
    static PickledTensors open(Path file) {
        FileState state = FileState.of(file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            StateDictUnpickler unpickler = new StateDictUnpickler(reason -> new WeightsException(file + " " + reason));
            Optional<StoredZip> zip = StoredZip.open(file, channel);
            return zip.isPresent()
                    ? ofZip(file, state, zip.get(), unpickler)
                    : ofOldFormat(file, state, channel, unpickler);
        } catch (IOException e) {
            throw new WeightsException("weights file " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }

    private static PickledTensors ofZip(Path file, FileState state, StoredZip zip, StateDictUnpickler unpickler)
            throws IOException {
        String pickle = zip.names().stream()
                .filter(name -> name.equals("data.pkl") || name.endsWith("/data.pkl"))
                .findFirst()
                .orElseThrow(() ->
                        new WeightsException(file + " must be written by torch.save, but its archive has no data.pkl"));
        String folder = pickle.substring(0, pickle.length() - "data.pkl".length());
        if (zip.names().contains(folder + "byteorder")
                && !new String(zip.bytes(folder + "byteorder"), StandardCharsets.US_ASCII).equals("little")) {
            throw new WeightsException(
                    file + " was written by a big-endian machine; save it again on a little-endian one");
        }
        Object root = unpickler.read(zip.stream(pickle));
        Map<String, Place> places = new HashMap<>();
        for (String name : zip.names()) {
            if (name.startsWith(folder + "data/")) {
                places.put(name.substring(folder.length() + "data/".length()), zip.place(name));
            }
        }
        String contract = folder + EXPORT_CONTRACT;
        return checked(
                file, state, root, places, zip.names().contains(contract) ? metadata(zip.bytes(contract)) : Map.of());
    }

    /** Returns the metadata of an export of this library; empty for a file that others called alike. */
    private static Map<String, String> metadata(byte[] json) {
        Map<String, String> metadata = new LinkedHashMap<>();
        try {
            JsonNode contract = JsonTree.read(json);
            if (contract.path("format").asText().startsWith(EXPORT_FORMAT)) {
                contract.properties()
                        .forEach(entry ->
                                metadata.put(entry.getKey(), entry.getValue().asText()));
            }
        } catch (IOException e) {
            // no contract of this library's
        }
        return metadata;
    }

    /**
     * Reads five pickles (a magic number, a version, properties of the machine, the state dict, the keys of the
     * storages), which the values follow.
     */
    private static PickledTensors ofOldFormat(
            Path file, FileState state, FileChannel channel, StateDictUnpickler unpickler) throws IOException {
        FileSection pickles = new FileSection(channel, 0, channel.size(), StoredZip.maxBytesInMemory());
        Object root;
        Object keys;
        try {
            for (int i = 0; i < 3; i++) {
                unpickler.read(pickles);
            }
            root = unpickler.read(pickles);
            keys = unpickler.read(pickles);
        } catch (WeightsException e) {
            throw pickles.isCut()
                    ? new WeightsException(
                            file + " is refused: its pickle must have at most "
                                    + StoredZip.limit(pickles.position(), "more"),
                            e)
                    : e;
        }
        Map<String, Integer> elementBytes = unpickler.elementBytes();
        Map<String, Place> places = new HashMap<>();
        long position = pickles.position();
        if (!(keys instanceof List<?> list)) {
            throw new WeightsException(file + " is damaged: it has no list of storages");
        }
        for (Object key : list) {
            if (!(key instanceof String name)) { // a list must not be looked up, because that would hash it
                throw new WeightsException(file + " is damaged: the key of a storage must be a string");
            }
            ByteBuffer count = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            if (channel.read(count, position) < Long.BYTES) {
                throw new WeightsException(file + " is truncated: the values of storage " + key + " are missing");
            }
            long elements = count.getLong(0);
            Integer size = elementBytes.get(name);
            if (elements < 0 || elements > channel.size() || size == null) {
                throw new WeightsException(file + " is damaged: storage " + name + " claims " + elements + " values");
            }
            places.put(name, new Place(position + Long.BYTES, elements * size));
            position += Long.BYTES + elements * size;
        }
        if (position > channel.size()) {
            throw new WeightsException(
                    file + " is truncated: it has " + channel.size() + " bytes of " + position + "; use another copy");
        }
        return checked(file, state, root, places, Map.of());
    }

    private static PickledTensors checked(
            Path file,
            FileState state,
            @Nullable Object root,
            Map<String, Place> places,
            Map<String, String> metadata) {
        CheckpointParts.Found found = CheckpointParts.weights(file, root);
        found.views().forEach((name, view) -> check(file, name, view, places));
        return new PickledTensors(file, state, found, places, metadata);
    }

    /** Limits the length of a name, since messages print it. */
    static void checkName(Path file, String name) {
        if (name.length() > MAX_NAME) {
            throw new WeightsException(file + " is refused: the name of a tensor must have at most " + MAX_NAME
                    + " characters, but had " + name.length());
        }
    }

    private static void check(Path file, String name, View view, Map<String, Place> places) {
        Storage storage = view.storage();
        Place place = places.get(storage.key());
        if (place == null
                || storage.elements() < 0
                || place.bytes() / storage.type().bytes() < storage.elements()) {
            throw new WeightsException(file + " is truncated or damaged: the values of \"" + name + "\" are missing");
        }
        if (view.shape().size() != view.strides().size() || !liesWithin(view)) {
            throw new WeightsException(file + " is damaged: tensor \"" + name + "\" of shape " + view.shape()
                    + " does not lie within its " + storage.elements() + " values");
        }
    }

    /**
     * Returns whether a view lies within its storage. A view that repeats elements, as {@code expand} makes it, could
     * let a small file claim any amount of memory, so it must have few or no more than the storage.
     */
    private static boolean liesWithin(View view) {
        try {
            long count = 1;
            long extent = 8; // bytes if no size were 0: libtorch multiplies the sizes before it notices a 0
            long last = view.offset();
            for (int i = 0; i < view.shape().size(); i++) {
                long size = view.shape().get(i);
                long stride = view.strides().get(i);
                if (size < 0 || stride < 0) {
                    return false;
                }
                count = Math.multiplyExact(count, size);
                extent = Math.multiplyExact(extent, Math.max(1, size));
                last = Math.addExact(last, Math.multiplyExact(Math.max(0, size - 1), stride));
            }
            return view.offset() >= 0
                    && count <= Math.max(view.storage().elements(), MAX_REPEATED_VALUES)
                    && (count == 0 || last < view.storage().elements());
        } catch (ArithmeticException e) {
            return false;
        }
    }

    @Override
    public Path file() {
        return file;
    }

    @Override
    public List<String> names() {
        return List.copyOf(found.names());
    }

    @Override
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public long[] shape(String name) {
        return array(require(name).shape());
    }

    private View require(String name) {
        View view = found.views().get(name);
        Placeholder other = found.unreadable().get(name);
        if (other != null) {
            throw new WeightsException(file + ": \"" + name + "\" " + other.asTensor());
        }
        if (view == null) {
            throw new WeightsException(file + " has no tensor \"" + name + "\"");
        }
        return view;
    }

    private static long[] array(List<Long> numbers) {
        return numbers.stream().mapToLong(Long::longValue).toArray();
    }

    @Override
    public Tensor read(String name) {
        View view = require(name);
        long[] shape = array(view.shape());
        if (isContiguous(view)) {
            Tensor tensor = TensorBytes.empty(view.storage().type(), shape);
            readInto(tensor, view);
            return signed(tensor, view);
        }
        long span = 1;
        for (int i = 0; i < shape.length; i++) {
            span += (shape[i] - 1) * view.strides().get(i);
        }
        try (Tensor flat = TensorBytes.empty(view.storage().type(), span);
                NoGradGuard noGrad = new NoGradGuard()) {
            readInto(flat, view);
            try (Tensor strided = flat.as_strided(shape, array(view.strides()))) {
                return signed(strided.contiguous(), view);
            }
        }
    }

    private static Tensor signed(Tensor values, View view) {
        if (view.negative()) {
            try (NoGradGuard noGrad = new NoGradGuard()) {
                values.neg_();
            }
        }
        return values;
    }

    private static boolean isContiguous(View view) {
        if (view.shape().contains(0L)) {
            return true; // no values at all
        }
        long expected = 1;
        for (int i = view.shape().size() - 1; i >= 0; i--) {
            long size = view.shape().get(i);
            if (size != 1 && view.strides().get(i) != expected) {
                return false;
            }
            expected *= size;
        }
        return true;
    }

    private void readInto(Tensor tensor, View view) {
        long offset = view.offset() * view.storage().type().bytes();
        Place place = Objects.requireNonNull(places.get(view.storage().key()), "place of a storage");
        TensorBytes.read(file, place.begin() + offset, tensor);
        if (!state.equals(FileState.of(file))) { // another checkpoint has replaced it, with other values there
            throw new WeightsException(file + " was changed or replaced after it had been opened; open it again");
        }
    }
}
