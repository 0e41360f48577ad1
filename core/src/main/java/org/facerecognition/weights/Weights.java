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
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * Trained weights in a file, whoever made it: a PyTorch state dict ({@code .pth}, {@code .pt}, {@code .th}; zipped or
 * of the time before) or safetensors.
 *
 * <p>{@code Weights.read(file).allowing("fc.*").into(net)} fills a net, strictly: all that is missing, left over or of
 * another shape is an error unless it is allowed. Nothing that a file holds is ever executed.
 */
public final class Weights {
    private static final String ZIP = "PK\3\4";
    private static final int PICKLE_PROTOCOL = 0x80; // a pickle's first byte, from protocol 2 on
    private static final String DATA_PARALLEL = "module.";
    /** A counter that torch before 0.4.1 did not keep, and that no result depends on. */
    private static final String COUNTER = "num_batches_tracked";

    private static final FetchListener LOG_LICENCE = new FetchListener() {
        @Override
        public void begins(RemoteFile remote) {
            System.getLogger(Weights.class.getName())
                    .log(System.Logger.Level.INFO, "fetching {0}; license: {1}", remote.address(), remote.license());
        }
    };

    private final TensorFile source;
    private final Map<String, String> names; // what a tensor is called to what it is called in the file
    private final List<Pattern> allowed;

    private Weights(TensorFile source, Map<String, String> names, List<Pattern> allowed) {
        this.source = source;
        this.names = names;
        this.allowed = allowed;
    }

    /**
     * Opens a file. Of a training's checkpoint with several parts, that named {@code state_dict}, {@code model} or the
     * like is taken; the {@code module.} that DataParallel puts before all names is left out.
     *
     * @throws WeightsException when it is missing, damaged, of no known format, or holds more than plain tensors
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
     * What torchvision trained on ImageNet for an encoder of its own, its default weights: fetched to the {@link
     * WeightsCache#standard user's cache} the first time, read from there later.
     *
     * @param listener hears the license and the progress
     * @throws IllegalArgumentException when there are none for this encoder
     * @throws WeightsException when they cannot be fetched
     */
    public static Weights imagenet(Encoder encoder, FetchListener listener) {
        return fetch(RemoteFile.imagenet(encoder), listener);
    }

    /** {@link #imagenet(Encoder, FetchListener)}, with the license told to this class's system logger. */
    public static Weights imagenet(Encoder encoder) {
        return imagenet(encoder, LOG_LICENCE);
    }

    /**
     * Weights from an address: fetched to the {@link WeightsCache#standard user's cache} the first time, read from
     * there later.
     *
     * @param listener hears the license and the progress
     * @throws WeightsException when they cannot be fetched, or as {@link #read}
     */
    public static Weights fetch(RemoteFile remote, FetchListener listener) {
        return read(WeightsCache.standard().fetch(remote, listener));
    }

    /** {@link #fetch(RemoteFile, FetchListener)}, with the license told to this class's system logger. */
    public static Weights fetch(RemoteFile remote) {
        return fetch(remote, LOG_LICENCE);
    }

    /** The tensors of a safetensors file that is open already. */
    public static Weights of(SafeTensors file) {
        Libtorch.load();
        return of((TensorFile) file);
    }

    private static Weights of(TensorFile source) {
        Map<String, String> names = new LinkedHashMap<>();
        source.names().forEach(name -> names.put(name, name));
        return new Weights(source, names, List.of());
    }

    private static boolean isPyTorch(Path file) {
        byte[] start;
        try (InputStream in = Files.newInputStream(file)) {
            start = in.readNBytes(ZIP.length());
        } catch (NoSuchFileException e) {
            throw new WeightsException("weights file " + file + " does not exist", e);
        } catch (IOException e) {
            throw new WeightsException("weights file " + file + " cannot be read: " + e.getMessage(), e);
        }
        boolean zip = start.length == ZIP.length();
        for (int i = 0; zip && i < start.length; i++) {
            zip = start[i] == ZIP.charAt(i);
        }
        // a safetensors file begins with the length of its header, whose second byte cannot be a protocol's and third
        // 0x8a
        boolean pickle = start.length > 2
                && (start[0] & 0xff) == PICKLE_PROTOCOL
                && start[1] >= 2
                && start[1] <= 5
                && (start[2] & 0xff) == 0x8a; // LONG1: the magic number of torch's old format
        return zip || pickle;
    }

    /** Which file this is. */
    public Path file() {
        return source.file();
    }

    /** Names of the tensors, in the file's order. */
    public List<String> names() {
        return List.copyOf(names.keySet());
    }

    /**
     * Free text by name: what the file says of itself, and of one that was fetched its {@code address}, {@code sha256}
     * and {@code license}.
     */
    public Map<String, String> metadata() {
        Map<String, String> all = new LinkedHashMap<>(source.metadata());
        all.putAll(WeightsCache.origin(file()));
        return all;
    }

    /**
     * The shape of a tensor.
     *
     * @throws WeightsException when there is none of that name
     */
    public long[] shape(String name) {
        return source.shape(inFile(name));
    }

    /**
     * Reads a tensor.
     *
     * @return a new contiguous tensor on the CPU; the caller, or a PointerScope around, closes it
     * @throws WeightsException when there is none of that name or the file cannot be read
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
     * The same tensors under other names, for a net whose names differ from those of the file.
     *
     * @param rule from name to name; null leaves a tensor out
     * @throws WeightsException when two get one name
     */
    public Weights renamed(UnaryOperator<@Nullable String> rule) {
        Map<String, String> renamed = new LinkedHashMap<>();
        names.forEach((name, original) -> {
            String now = rule.apply(name);
            if (now != null && renamed.put(now, original) != null) {
                throw new WeightsException(file() + ": two tensors must not be renamed to \"" + now + "\"");
            }
        });
        return new Weights(source, renamed, allowed);
    }

    /**
     * These weights, with names that need not fit: whatever is missing, left over or of another shape among them is
     * passed over. For a last layer that was replaced.
     *
     * @param patterns names, {@code *} standing for any text: {@code fc.*}
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
     * What was and was not taken over.
     *
     * @param loaded how many tensors
     * @param missing allowed, and not in the file: as they were in the net
     * @param unexpected allowed, and not in the net
     * @param misshapen allowed, and of another shape: as they were in the net
     */
    public record Report(int loaded, List<String> missing, List<String> unexpected, List<String> misshapen) {}

    /**
     * Copies all tensors into a net by name, all or nothing: names, shapes and values are looked at first.
     *
     * @throws WeightsException naming what is missing, left over, of another shape or not finite; the net is untouched
     */
    public Report into(Module net) {
        try (PointerScope scope = new PointerScope()) {
            return into(NamedTensors.of(net));
        }
    }

    /**
     * Copies all tensors into those of the same name; see {@link #into(Module)}. Device, type and memory layout stay
     * those of the targets.
     */
    public Report into(Map<String, Tensor> net) {
        Fit fit = new Fit(this, net);
        fit.check();
        try (NoGradGuard noGrad = new NoGradGuard()) {
            for (String name : fit.fitting) {
                try (PointerScope scope = new PointerScope()) {
                    checkFinite(name, read(name));
                }
            }
            for (String name : fit.fitting) {
                try (PointerScope scope = new PointerScope()) {
                    net.get(name).copy_(read(name));
                }
            }
        }
        return new Report(fit.fitting.size(), fit.missing, fit.unexpected, fit.misshapen);
    }

    private void checkFinite(String name, Tensor tensor) {
        if (!tensor.is_floating_point() || tensor.numel() == 0) {
            return;
        }
        boolean surely = Double.isFinite(tensor.sum().item_double()); // one pass; may also overflow
        if (!surely && !tensor.isfinite().all().item_bool()) {
            throw new WeightsException(file() + ": tensor \"" + name
                    + "\" must be finite, but holds NaN or infinity; the training it comes from has failed, use an"
                    + " earlier file");
        }
    }

    /** A net's tensors beside a file's. */
    private static final class Fit {
        private static final int MAX_NAMES_PRINTED = 5;

        private final Weights weights;
        private final List<String> fitting = new ArrayList<>();
        private final List<String> missing = new ArrayList<>();
        private final List<String> misshapen = new ArrayList<>();
        private final List<String> unexpected = new ArrayList<>();
        private final List<String> wrong = new ArrayList<>();

        Fit(Weights weights, Map<String, Tensor> net) {
            this.weights = weights;
            List<String> lacking = new ArrayList<>();
            List<String> other = new ArrayList<>();
            List<String> over = new ArrayList<>();
            net.forEach((name, tensor) -> {
                if (!weights.names.containsKey(name)) {
                    if (!name.endsWith(COUNTER)) {
                        (weights.mayDiffer(name) ? missing : lacking).add(name);
                    }
                } else if (!Shape.of(tensor).equals(Shape.of(weights.shape(name)))) {
                    String shapes = " must be " + Shape.of(tensor) + ", but was " + Shape.of(weights.shape(name));
                    (weights.mayDiffer(name) ? misshapen : other).add(name + shapes);
                } else {
                    fitting.add(name);
                }
            });
            for (String name : weights.names.keySet()) {
                if (!net.containsKey(name)) {
                    (weights.mayDiffer(name) ? unexpected : over).add(name);
                }
            }
            tell("Missing", lacking);
            tell("Of another shape", other);
            tell("Not in the net", over);
        }

        private void tell(String what, List<String> names) {
            if (!names.isEmpty()) {
                int rest = names.size() - MAX_NAMES_PRINTED;
                wrong.add(what + ": " + names.stream().limit(MAX_NAMES_PRINTED).collect(Collectors.joining("; "))
                        + (rest > 0 ? " and " + rest + " more" : "") + ".");
            }
        }

        void check() {
            if (!wrong.isEmpty()) {
                throw new WeightsException(weights.file() + " does not fit this net; use it with the net it was made"
                        + " for, or allow what differs. " + String.join(" ", wrong));
            }
        }
    }
}
