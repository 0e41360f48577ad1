package org.facerecognition.onnx;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.facerecognition.backbone.BackboneOptions;
import org.facerecognition.data.Crop;
import org.facerecognition.data.ModelInput;
import org.facerecognition.data.Normalization;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.GraphMatch;
import org.facerecognition.graph.Operation;
import org.facerecognition.inference.OnnxRuntimeModel;
import org.facerecognition.inference.OnnxRuntimeModel.InputType;
import org.facerecognition.io.FileState;
import org.facerecognition.io.JsonFields;
import org.facerecognition.io.JsonTree;
import org.facerecognition.onnx.InputContract.ColorOrder;
import org.facerecognition.onnx.ModelProto.ValueProto;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * A face model in an ONNX file, whoever exported it: of operator set 7 or a later one, with one input of square color
 * images and an output of embeddings. Where this library covers all of its operators, those of the sets 7 to 25, it is
 * a {@link #graph} like those of its own networks; else ONNX Runtime can run it. Weights are read from the file when
 * they are needed: it must stay where it is until the model is prepared.
 */
public final class OnnxModel implements AutoCloseable {
    private static final String OWN_FORMAT = "face-recognition export 1";
    private static final int MAX_SIDE_PX = BackboneOptions.MAX_IMAGE_SIZE_PX;
    private static final int DIGITS = 16;

    private final Path file;
    private final OpenedFiles files;
    private final ModelProto proto;
    private final Layout layout;
    private final InputContract contract;
    private final boolean ownInput;
    private final Crop crop;
    private final @Nullable Graph graph;
    private final Normalization normalization;
    private final String uncovered;
    private final Map<Operation, String> titles = new IdentityHashMap<>(); // of the nodes that operations are from

    /**
     * The images that a model takes.
     *
     * @param shape of the input, with the size in place of open dimensions
     */
    private record Layout(ValueProto input, long[] shape, boolean channelsLast, int sizePx, String output) {}

    private OnnxModel(
            Path file,
            OpenedFiles files,
            ModelProto proto,
            Layout layout,
            InputContract contract,
            boolean ownInput,
            Crop crop) {
        this.file = file;
        this.files = files;
        this.proto = proto;
        this.layout = layout;
        this.contract = contract;
        this.ownInput = ownInput;
        this.crop = crop;
        Graph graph = null;
        Normalization normalization = contract.normalization();
        String uncovered = "";
        try (Graph whole = Converter.graph(proto, layout.shape, layout.channelsLast, layout.output, titles)) {
            LeadingNormalization.Result taken = LeadingNormalization.taken(whole, contract);
            graph = taken.graph();
            normalization = taken.normalization();
        } catch (Uncovered e) {
            uncovered = String.valueOf(e.getMessage());
        }
        this.graph = graph;
        this.normalization = normalization;
        this.uncovered = uncovered;
    }

    /**
     * Opens a model that says what pixels it takes: one that this library exported.
     *
     * @return owned
     * @throws WeightsException when the file is missing, damaged, or no face model
     * @throws IllegalArgumentException when it does not say what pixels it takes; the message says what to give
     */
    public static OnnxModel open(Path file) {
        return open(file, null);
    }

    /**
     * Opens a model.
     *
     * @param input what pixels it takes; null to take that from its metadata
     * @return owned
     * @throws WeightsException when the file is missing, damaged, or no face model
     * @throws IllegalArgumentException when {@code input} is null and the file does not say what pixels it takes, the
     *     file says something else than {@code input}, {@code input} normalizes pixels that the graph normalizes itself
     *     or has numbers of values 0..1, or the size of its images is open
     */
    public static OnnxModel open(Path file, @Nullable InputContract input) {
        FileState before = FileState.of(file);
        ModelProto proto = ProtoReader.read(file);
        ValueProto images = images(file, proto);
        Optional<InputContract> own = own(file, proto);
        boolean channelsLast = channelsLast(file, images);
        String output = output(file, proto);
        TrainingMode.refuse(file, proto, output);
        if (input == null && own.isEmpty()) {
            throw new IllegalArgumentException(Suggestion.of(file, proto, images, channelsLast));
        }
        InputContract given = input != null ? input : own.orElseThrow();
        int size = size(file, images, channelsLast, given.sizePx());
        if (given.wantsSize() && given.sizePx().getAsInt() != size) {
            throw new IllegalArgumentException("input of " + file + " must have size=" + size
                    + ", the size of its images, but was \"" + given.name() + "\"; leave the size out");
        }
        long[] shape = channelsLast ? new long[] {1, size, size, 3} : new long[] {1, 3, size, size};
        InputContract contract = own.isPresent()
                ? FittingInput.ofOwn(file, given, own.get())
                : FittingInput.of(
                        file,
                        given,
                        LeadingNormalization.of(proto, shape, channelsLast),
                        images.type() == TensorProto.UINT8,
                        size);
        Layout layout = new Layout(images, shape, channelsLast, size, output);
        OpenedFiles files = OpenedFiles.of(file, before, proto);
        Crop crop = own.isPresent() ? crop(file, proto) : contract.crop();
        return new OnnxModel(file, files, proto, layout, contract, own.isPresent(), crop);
    }

    // ---- what the file says ----

    private static ValueProto images(Path file, ModelProto proto) {
        if (proto.inputs().size() != 1) {
            throw noFaceModel(
                    file,
                    "one input of images",
                    "had " + proto.inputs().stream().map(ValueProto::name).toList());
        }
        ValueProto images = proto.inputs().get(0);
        boolean known = images.type() == TensorProto.FLOAT
                || images.type() == TensorProto.FLOAT16
                || images.type() == TensorProto.UINT8;
        if (images.shape().length != 4 || !known) {
            throw noFaceModel(
                    file,
                    "an input of images, floats or bytes of 4 dimensions",
                    "had one of type " + images.type() + " and shape " + Arrays.toString(images.shape()));
        }
        return images;
    }

    private static WeightsException noFaceModel(Path file, String expected, String found) {
        return new WeightsException(file + " must be a face model with " + expected + ", but " + found);
    }

    private static boolean channelsLast(Path file, ValueProto images) {
        long[] shape = images.shape();
        if (shape[1] == 3 || (shape[1] == ValueProto.FREE && shape[3] != 3)) {
            return false;
        }
        if (shape[3] == 3) {
            return true;
        }
        throw noFaceModel(file, "images of 3 colors", "its images are of the shape " + Arrays.toString(shape));
    }

    private static int size(Path file, ValueProto images, boolean channelsLast, OptionalInt wanted) {
        long height = images.shape()[channelsLast ? 1 : 2];
        long width = images.shape()[channelsLast ? 2 : 3];
        if (height == ValueProto.FREE || width == ValueProto.FREE) {
            long known = Math.max(height, width);
            if (known == ValueProto.FREE && wanted.isEmpty()) {
                throw new IllegalArgumentException("input of " + file + " must come with the size of its images, which"
                        + " the file leaves open; add for example size=112");
            }
            height = width = known == ValueProto.FREE ? wanted.getAsInt() : known;
        }
        if (height != width || height < 1 || height > MAX_SIDE_PX) {
            throw noFaceModel(
                    file,
                    "square images of at most " + MAX_SIDE_PX + " pixels a side",
                    "takes " + width + "x" + height);
        }
        return (int) height;
    }

    /** Returns the only output, or the only one with more than one value per image: others are norms or scores. */
    private static String output(Path file, ModelProto proto) {
        List<String> candidates = proto.outputs().stream()
                .filter(output -> proto.outputs().size() == 1
                        || (output.shape().length > 1 && output.shape()[output.shape().length - 1] != 1))
                .map(ValueProto::name)
                .toList();
        if (candidates.size() != 1) {
            throw noFaceModel(
                    file,
                    "one output of embeddings",
                    "has the outputs "
                            + proto.outputs().stream().map(ValueProto::name).toList()
                            + "; keep the one of embeddings (in Python: onnx.utils.extract_model(FILE, OTHER_FILE, [\""
                            + proto.inputs().get(0).name() + "\"], [OUTPUT]))");
        }
        return candidates.get(0);
    }

    /** Returns what a model that this library exported says of its input. */
    private static Optional<InputContract> own(Path file, ModelProto proto) {
        Map<String, String> metadata = proto.metadata();
        if (!OWN_FORMAT.equals(metadata.get("format"))) {
            return Optional.empty();
        }
        try {
            ColorOrder order = ColorOrder.valueOf(metadata.getOrDefault("colorOrder", "RGB"));
            Normalization normalization = Boolean.parseBoolean(metadata.get("normalizationIncluded"))
                    ? InputContract.PIXELS
                    : Normalization.of(JsonFields.of(JsonTree.read(metadata.getOrDefault("normalization", ""))));
            Crop crop = crop(file, proto) == Crop.WIDE ? Crop.WIDE : Crop.WHOLE;
            return Optional.of(new InputContract("metadata", order, normalization, OptionalInt.empty(), crop));
        } catch (JsonProcessingException | IllegalArgumentException | NullPointerException e) {
            throw new WeightsException(
                    file + " is damaged: its metadata cannot be understood: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
                    e);
        }
    }

    private static Crop crop(Path file, ModelProto proto) {
        String crop = proto.metadata().getOrDefault("crop", Crop.WHOLE.name());
        try {
            return Crop.valueOf(crop);
        } catch (IllegalArgumentException e) {
            throw new WeightsException(file + " is damaged: its metadata names the unknown crop " + crop, e);
        }
    }

    // ---- for whoever runs it ----

    /** The file that it was read from. */
    public Path file() {
        return file;
    }

    /**
     * Compares a network with this model; {@link GraphMatch#copy} then copies the weights.
     *
     * @param net the graph of the network, whose constants are its tensors; borrowed as long as the result is used
     * @param expected how the network's pixels are normalized
     * @throws WeightsException when the structures or the normalizations differ, naming where
     */
    public GraphMatch match(Graph net, Normalization expected) {
        if (graph == null) {
            throw new WeightsException(file + " cannot give its weights to an encoder: " + uncovered);
        }
        normalization.mismatch(expected).ifPresent(reason -> {
            throw new WeightsException(file + " " + reason);
        });
        try {
            return GraphMatch.of(net, graph, titles);
        } catch (IllegalArgumentException e) {
            throw new WeightsException(file + " does not have the structure of the encoder: " + e.getMessage(), e);
        }
    }

    /** What pixels it takes. */
    public InputContract contract() {
        return contract;
    }

    /** Whether its metadata says what pixels it takes; thresholds in the metadata are for them. */
    public boolean takesOwnInput() {
        return ownInput;
    }

    /** The metadata of the file. */
    public Map<String, String> metadata() {
        return Map.copyOf(proto.metadata());
    }

    /** The network, which takes RGB images; borrowed. Empty if this library does not cover it. */
    public Optional<Graph> graph() {
        return Optional.ofNullable(graph);
    }

    /** Which node is not covered, or which operator set, and why; empty if all is. */
    public Optional<String> uncovered() {
        return uncovered.isEmpty() ? Optional.empty() : Optional.of(uncovered);
    }

    /**
     * The input of {@link #graph}, or else of {@link #forOnnxRuntime}. The normalization of pixels with which a graph
     * begins is part of it, and no longer of the graph.
     */
    public ModelInput input() {
        return new ModelInput(layout.sizePx, normalization, crop);
    }

    /** The whole network for ONNX Runtime, which takes RGB images that are normalized as {@link #input} says. */
    public OnnxRuntimeModel forOnnxRuntime() {
        long batch = layout.input.shape()[0];
        InputType type = layout.input.type() == TensorProto.UINT8
                ? InputType.UINT8
                : layout.input.type() == TensorProto.FLOAT16 ? InputType.FLOAT16 : InputType.FLOAT;
        return new OnnxRuntimeModel(
                file,
                layout.input.name(),
                type,
                layout.channelsLast,
                contract.order() == ColorOrder.BGR,
                batch == ValueProto.FREE ? 0 : (int) Math.min(batch, 1 << 10),
                layout.output);
    }

    /**
     * Identifies the model by its files and what pixels it takes; embeddings of models with different fingerprints must
     * not be mixed.
     *
     * @return 16 hexadecimal digits
     */
    public String fingerprint() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((layout.sizePx + " " + contract.fingerprintText() + " " + crop + " " + layout.output)
                    .getBytes(StandardCharsets.UTF_8));
            files.digest(digest);
            return HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime must provide SHA-256, but this one does not", e);
        }
    }

    /**
     * Checks that the files are still those that were opened: their values are read later, by their places in them.
     *
     * @throws WeightsException when one was changed or replaced
     */
    public void requireUnchanged() {
        files.requireUnchanged();
    }

    /** Closes the graph. */
    @Override
    public void close() {
        if (graph != null) {
            graph.close();
        }
    }

    @Override
    public String toString() {
        return file.getFileName() + ", " + layout.sizePx + "x" + layout.sizePx + " " + contract;
    }
}
