package org.facerecognition.weights;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * Trained weights in a file: a PyTorch state dict ({@code .pth}, {@code .pt}, {@code .th}; in the zip format of torch
 * 1.6 or the older one) or a safetensors file.
 *
 * <p>{@code Weights.read(file).allowing("fc.*").into(network)} loads a network strictly: every tensor of it that is
 * missing or of another shape, and every tensor too many in one of its layers, is an error unless it is allowed to
 * differ. What lies outside the network, such as a head beside it, is reported. Opening a file reads names and shapes
 * only; values are read one tensor at a time. Nothing in a file is ever executed.
 */
public final class Weights {
    private static final String DATA_PARALLEL = "module.";
    private static final Pattern EXPORTED = Pattern.compile("node\\d+_[a-z]+");

    private static final FetchListener LOG_LICENSE = new FetchListener() {
        @Override
        public void begins(RemoteFile remote) {
            System.getLogger(Weights.class.getName())
                    .log(System.Logger.Level.INFO, "fetching {0}; license: {1}", remote.address(), remote.license());
        }
    };

    private final TensorFile source;
    private final Map<String, String> names; // from the name of a tensor to its name in the file
    private final List<Pattern> allowed; // names that may differ

    private Weights(TensorFile source, Map<String, String> names, List<Pattern> allowed) {
        this.source = source;
        this.names = names;
        this.allowed = allowed;
    }

    /**
     * Opens a file. From a training checkpoint of several parts, the part named {@code state_dict}, {@code model} or
     * the like is taken, also where parts are nested; from one without such a part, all tensors that are not an
     * optimizer's, named by the keys that lead to them. Settings and other objects beside the weights are passed over.
     * The prefix {@code module.}, which DataParallel puts before all names, is removed here, and any other prefix when
     * {@link #into(Module) a network} shows where its names begin.
     *
     * @throws WeightsException when the file is missing, damaged, or of another format, which the message names
     */
    public static Weights read(Path file) {
        Libtorch.load();
        TensorFile source = isPyTorch(file) ? PickledTensors.open(file) : SafeTensors.open(file);
        Weights all = of(source);
        boolean parallel =
                !all.names().isEmpty() && all.names().stream().allMatch(name -> name.startsWith(DATA_PARALLEL));
        return parallel ? all.renamed(name -> name.substring(DATA_PARALLEL.length())) : all;
    }

    /**
     * Opens torchvision's default weights for one of its architectures, trained on ImageNet. They are downloaded into
     * the {@link WeightsCache#standard user's cache} on first use and read from there afterwards.
     *
     * @param architecture torchvision's name, such as {@code resnet34}; the ids of torchvision's encoders are these
     *     names
     * @param listener is notified of the license and the progress of a download
     * @throws IllegalArgumentException when torchvision has no weights for this architecture
     * @throws WeightsException when they cannot be downloaded
     */
    public static Weights imagenet(String architecture, FetchListener listener) {
        return fetch(RemoteFile.imagenet(architecture), listener);
    }

    /** {@link #imagenet(String, FetchListener)}, with the license logged by this class's system logger. */
    public static Weights imagenet(String architecture) {
        return imagenet(architecture, LOG_LICENSE);
    }

    /**
     * Opens weights from an address. They are downloaded into the {@link WeightsCache#standard user's cache} on first
     * use and read from there afterwards.
     *
     * @param listener is notified of the license and the progress of a download
     * @throws WeightsException when they cannot be downloaded, or {@link #read} rejects them
     */
    public static Weights fetch(RemoteFile remote, FetchListener listener) {
        return read(WeightsCache.standard().fetch(remote, listener));
    }

    /** {@link #fetch(RemoteFile, FetchListener)}, with the license logged by this class's system logger. */
    public static Weights fetch(RemoteFile remote) {
        return fetch(remote, LOG_LICENSE);
    }

    /**
     * Returns the tensors of a safetensors file that is open already.
     *
     * @param file borrowed; it must stay open while tensors are read
     */
    public static Weights of(SafeTensors file) {
        Libtorch.load();
        return of((TensorFile) file);
    }

    static Weights of(TensorFile source) {
        Map<String, String> names = new LinkedHashMap<>();
        source.names().forEach(name -> names.put(name, name));
        return new Weights(source, names, List.of());
    }

    private static boolean isPyTorch(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return !ForeignFile.isOfDistributedCheckpoint(file)
                    && ForeignFile.isPyTorch(in.readNBytes(ForeignFile.MAX_PYTORCH_START));
        } catch (NoSuchFileException e) {
            throw new WeightsException("weights file " + file + " does not exist", e);
        } catch (IOException e) {
            throw new WeightsException(
                    ForeignFile.describe(file)
                            .map(what -> file + " " + what)
                            .orElseGet(() -> "weights file " + file + " cannot be read: " + AtomicFile.reason(e)),
                    e);
        }
    }

    /** Returns the path of the file. */
    public Path file() {
        return source.file();
    }

    /** Returns the names of the tensors, in the order of the file. */
    public List<String> names() {
        return List.copyOf(names.keySet());
    }

    boolean has(String name) {
        return names.containsKey(name);
    }

    /**
     * Returns text entries by name: the metadata in the file, and, for a downloaded file, its {@code address}, {@code
     * sha256}, {@code license} and the time it was {@code fetched}.
     */
    public Map<String, String> metadata() {
        Map<String, String> all = new LinkedHashMap<>(source.metadata());
        all.putAll(WeightsCache.origin(file()));
        return all;
    }

    /**
     * Returns whether tensors are named by layers of a network. Those of a TorchScript file that this library exported
     * are not: {@code Recognizer.startFrom(weights, faces)} finds their layers.
     */
    public boolean hasLayerNames() {
        return names.keySet().isEmpty()
                || !names.keySet().stream()
                        .allMatch(name -> EXPORTED.matcher(name).matches());
    }

    /** @throws WeightsException when tensors are not named by layers of a network; the message says what to do */
    public void requireLayerNames() {
        if (!hasLayerNames()) {
            throw new WeightsException(file() + " is a TorchScript export of this library, in which layers have lost"
                    + " their names; start a training from it (train --init, or Recognizer.startFrom(weights, faces)),"
                    + " or else use the model that it was exported from, or an export of that as ONNX");
        }
    }

    /**
     * Returns the shape of a tensor.
     *
     * @throws WeightsException when there is no tensor of that name
     */
    public long[] shape(String name) {
        return source.shape(inFile(name));
    }

    /**
     * Reads a tensor.
     *
     * @return a new contiguous tensor on the CPU; scoped, or owned where there is no scope
     * @throws WeightsException when there is no tensor of that name or the file cannot be read
     */
    public Tensor read(String name) {
        return source.read(inFile(name));
    }

    private String inFile(String name) {
        String original = names.get(name);
        if (original == null) {
            throw new WeightsException(file() + " has no tensor \"" + name + "\"");
        }
        return original;
    }

    /**
     * Returns the same tensors under other names, for a network whose names differ from those of the file.
     *
     * @param rule maps each name to the new one; null leaves the tensor out
     * @throws WeightsException when two tensors get the same name
     */
    public Weights renamed(UnaryOperator<@Nullable String> rule) {
        Map<String, String> renamed = new LinkedHashMap<>();
        names.forEach((name, original) -> {
            String newName = rule.apply(name);
            if (newName != null && renamed.put(newName, original) != null) {
                throw new WeightsException(file() + ": two tensors must not be renamed to \"" + newName + "\"");
            }
        });
        return new Weights(source, renamed, allowed);
    }

    /**
     * Returns these weights with names that may differ, such as those of a replaced last layer. A tensor of such a name
     * is skipped when it is missing, unexpected or of another shape.
     *
     * @param patterns names, in which {@code *} stands for any text: {@code fc.*}
     */
    public Weights allowing(String... patterns) {
        List<Pattern> all = new ArrayList<>(allowed);
        for (String pattern : patterns) {
            String[] parts = pattern.split("\\*", -1);
            all.add(Pattern.compile(Arrays.stream(parts).map(Pattern::quote).collect(Collectors.joining(".*"))));
        }
        return new Weights(source, names, all);
    }

    private boolean mayDiffer(String name) {
        return allowed.stream().anyMatch(pattern -> pattern.matcher(name).matches());
    }

    /**
     * The result of loading weights into a network. All differences it lists were allowed, or lie outside the network.
     *
     * @param loaded number of tensors that were copied
     * @param missing names that are not in the file; these tensors of the network are unchanged
     * @param unexpected names in the file that are not in the network
     * @param misshapen names with both shapes where these differ; these tensors of the network are unchanged
     */
    public record Report(int loaded, List<String> missing, List<String> unexpected, List<String> misshapen) {
        private static final int MAX_NAMES_PRINTED = 5;

        /** Returns a clause about the unexpected tensors: {@code not used, because not of the network: head.weight}. */
        public String leftOver() {
            int rest = unexpected.size() - MAX_NAMES_PRINTED;
            return "not used, because not of the network: "
                    + unexpected.stream().limit(MAX_NAMES_PRINTED).collect(Collectors.joining(", "))
                    + (rest > 0 ? " and " + rest + " more" : "");
        }
    }

    /**
     * Copies all tensors into a network by name. Names, shapes and values are checked first, and the network is
     * unchanged if they do not fit. A prefix such as {@code model.} or {@code module.backbone.} is removed when the
     * names then fit; tensors outside of it, and those whose first part no layer of the network has, are left over and
     * reported.
     *
     * @param network borrowed
     * @throws WeightsException naming the tensors that are missing, unexpected, of another shape, not finite, or of
     *     integers where the network has none, with the network unchanged; or when the file was changed, or cannot be
     *     read any more, between the check and the copy, which the message says, because some tensors of the network
     *     are then those of the file
     */
    public Report into(Module network) {
        try (PointerScope scope = new PointerScope()) {
            return into(NamedTensors.of(network));
        }
    }

    /**
     * Copies all tensors into those of the same name; see {@link #into(Module)}. The targets keep their device, type
     * and memory layout.
     *
     * @param network tensors by name; borrowed
     */
    public Report into(Map<String, Tensor> network) {
        requireLayerNames();
        Unwrapped unwrapped = Unwrapped.of(this, network);
        Weights named = unwrapped.weights();
        WeightsFit fit = new WeightsFit(unwrapped, this::mayDiffer, network);
        fit.requireFit();
        try (NoGradGuard noGrad = new NoGradGuard()) {
            for (String name : fit.fitting()) {
                try (PointerScope scope = new PointerScope()) {
                    requireUsable(name, named.read(name), Objects.requireNonNull(network.get(name), name));
                }
            }
            copy(fit.fitting(), named, network);
        }
        return fit.report();
    }

    private static void copy(List<String> names, Weights from, Map<String, Tensor> network) {
        int copied = 0;
        try {
            for (String name : names) {
                try (PointerScope scope = new PointerScope()) {
                    Objects.requireNonNull(network.get(name), name).copy_(from.read(name));
                    copied++;
                }
            }
        } catch (WeightsException e) {
            throw copied == 0
                    ? e
                    : new WeightsException(
                            e.getMessage() + "; " + copied + " of " + names.size()
                                    + " tensors of the network were replaced before, so load all of them again",
                            e);
        }
    }

    /**
     * Checks names and shapes as {@link #into(Map)} does, without reading values.
     *
     * @param network tensors by name; borrowed
     * @throws WeightsException naming the tensors that are missing, of another shape, or too many in a layer
     */
    public void requireFit(Map<String, Tensor> network) {
        requireLayerNames();
        new WeightsFit(Unwrapped.of(this, network), this::mayDiffer, network).requireFit();
    }

    private void requireUsable(String name, Tensor tensor, Tensor target) {
        if (tensor.numel() == 0) {
            return;
        }
        if (!tensor.is_floating_point()) {
            boolean isWeight = target.is_floating_point() && !WeightsFit.isCounter(name);
            if (isWeight) { // integers of a quantized network have their scales elsewhere
                throw new WeightsException(file() + ": tensor \"" + name
                        + "\" must be of a floating-point type, but was "
                        + ElementType.of(tensor.scalar_type().intern()) + "; dequantize it in Python");
            }
            return;
        }
        if (!isFinite(tensor)) {
            throw new WeightsException(file() + ": tensor \"" + name
                    + "\" must be finite, but contains NaN or infinity; its training has diverged, so use an earlier"
                    + " file");
        }
        ScalarType type = target.scalar_type().intern();
        if (target.is_floating_point() && type != tensor.scalar_type().intern() && !isFinite(tensor.to(type))) {
            throw new WeightsException(file() + ": tensor \"" + name + "\" must fit into the network's type "
                    + type.name().toLowerCase(Locale.ROOT)
                    + ", but has larger values; its training has diverged, so use an earlier file");
        }
    }

    private static boolean isFinite(Tensor tensor) {
        return Double.isFinite(tensor.sum().item_double()) // a single pass; an overflow is checked here
                || tensor.isfinite().all().item_bool();
    }
}
