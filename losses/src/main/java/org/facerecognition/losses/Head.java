package org.facerecognition.losses;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * The last part of a recognition network in training: it turns embeddings and identity labels into a loss. The trained
 * network is used without it, because people are then compared by their embeddings.
 *
 * <p>A head is a libtorch module and owned by its creator: {@link #close} frees its parameters and buffers.
 */
public abstract class Head extends Module {
    private final int classes;
    private final int embeddingSize;
    private final Map<String, Tensor> marginState = new LinkedHashMap<>();

    /**
     * Creates a head.
     *
     * @param name the name of the libtorch module
     * @param classes the number of identities, at least 1
     * @param embeddingSize the number of values in an embedding, at least 1
     * @throws IllegalArgumentException if a size is less than 1
     */
    protected Head(String name, int classes, int embeddingSize) {
        super(checked(name, classes, embeddingSize));
        Libtorch.load(); // not in a static block, whose failure would be reported only once
        this.classes = classes;
        this.embeddingSize = embeddingSize;
    }

    /** Checks the sizes before a libtorch module is allocated; returns the name. */
    private static String checked(String name, int classes, int embeddingSize) {
        if (classes < 1) {
            throw new IllegalArgumentException("classes must be at least 1, but was " + classes);
        }
        if (embeddingSize < 1) {
            throw new IllegalArgumentException("embeddingSize must be at least 1, but was " + embeddingSize);
        }
        return name;
    }

    /** The result of a forward pass over one batch. All tensors are scoped. */
    public static final class Output {
        private final Tensor loss;
        private final Supplier<Tensor> scores;
        private final @Nullable Tensor ranks;

        /**
         * Creates the output of a head that computes the scores of all identities anyway.
         *
         * @param loss a scalar with gradient
         * @param scores [B, C], without gradient
         */
        public Output(Tensor loss, Tensor scores) {
            this(loss, () -> scores, null);
        }

        private Output(Tensor loss, Supplier<Tensor> scores, @Nullable Tensor ranks) {
            this.loss = loss;
            this.scores = scores;
            this.ranks = ranks;
        }

        /**
         * Returns the output of a head with so many identities that it computes all scores only on demand.
         *
         * @param loss a scalar with gradient
         * @param ranks [B], int64, see {@link #ranks}
         * @param scores computes [B, C], without gradient
         */
        public static Output ofRanks(Tensor loss, Tensor ranks, Supplier<Tensor> scores) {
            return new Output(loss, scores, ranks);
        }

        /** Returns the mean loss of the batch, a scalar with gradient. */
        public Tensor loss() {
            return loss;
        }

        /**
         * Returns the scores of {@link Head#scores}, [B, C], without gradient. Call it before the head is changed,
         * since they may be computed only now.
         */
        public Tensor scores() {
            return scores.get();
        }

        /**
         * Returns how many identities score strictly higher than the target, [B], int64; for an embedding of NaN that
         * is the number of all identities. Empty for a head that computes all scores anyway.
         */
        public Optional<Tensor> ranks() {
            return Optional.ofNullable(ranks);
        }
    }

    /**
     * Computes the training loss of a batch.
     *
     * @param embeddings [B, D], of a floating type, not normalized
     * @param labels [B], int64, each in [0, C), on the device of the embeddings and of the head
     * @return the loss and the scores
     * @throws IllegalArgumentException if a shape, a type or a device does not fit, if there are no samples, or if a
     *     label on the CPU is out of range. Labels on a GPU are not checked, because that would wait for it: there a
     *     label out of range makes the GPU unusable for this process, or gives a wrong loss
     */
    public abstract Output forward(Tensor embeddings, Tensor labels);

    /**
     * Computes the score of each identity; a higher score means more likely. Scores contain no margin: a margin makes
     * the right answer look worse on purpose, so accuracy is computed without it.
     *
     * @param embeddings [B, D], of a floating type, not normalized
     * @return [B, C]
     * @throws IllegalArgumentException if the shape, the type or the device does not fit
     */
    public abstract Tensor scores(Tensor embeddings);

    /**
     * Returns why a backward pass has failed, for training loops whose heads are spread over several processes:
     * libtorch passes on only the text of an exception that a head's own gradient has thrown.
     *
     * @param ofBackward what {@code backward} has thrown on this thread
     * @return the head's exception, or {@code ofBackward} if there was none
     */
    public static RuntimeException failure(RuntimeException ofBackward) {
        return DeferredGradient.failure(ofBackward);
    }

    /**
     * Frees what forward passes keep for a backward pass that will not come, such as one whose loss is not finite; a
     * later backward pass through them fails. By default nothing is kept.
     */
    public void forgetForward() {}

    /** Returns the number of identities, C. */
    public final int classes() {
        return classes;
    }

    /** Returns the number of values in an embedding, D. */
    public final int embeddingSize() {
        return embeddingSize;
    }

    /**
     * Returns the settings by name, for checkpoints: a training is resumed only with the same. A head of one's own
     * that has settings returns them here; by default there are none.
     */
    public Map<String, String> settings() {
        return Map.of();
    }

    /** Returns settings from names and values in turns; a value of null is "none". */
    static Map<String, String> settings(@Nullable Object... namesAndValues) {
        Map<String, String> settings = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            Object value = namesAndValues[i + 1];
            settings.put(String.valueOf(namesAndValues[i]), value == null ? "none" : value.toString());
        }
        return settings;
    }

    /**
     * Checks shapes, types and devices, and the values of labels on the CPU; checking labels on a GPU would wait for
     * the device.
     *
     * @param own one of the head's tensors
     */
    final void checkBatch(Tensor embeddings, Tensor labels, Tensor own) {
        checkEmbeddings(embeddings, own);
        if (embeddings.size(0) == 0) {
            throw new IllegalArgumentException("a batch must have at least one sample, but had none");
        }
        if (labels.dim() != 1 || labels.size(0) != embeddings.size(0)) {
            throw new IllegalArgumentException(
                    "labels must be [" + embeddings.size(0) + "] like the embeddings, but was " + Shapes.of(labels));
        }
        if (labels.scalar_type().intern() != ScalarType.Long) {
            throw new IllegalArgumentException("labels must be int64 (ScalarType.Long), but was "
                    + labels.scalar_type().intern() + "; convert them with labels.to(ScalarType.Long)");
        }
        if (!onSameDevice(labels, embeddings)) {
            throw new IllegalArgumentException("labels must be on the device of the embeddings, but those are on the "
                    + device(embeddings) + " and the labels on the " + device(labels));
        }
        if (labels.is_cpu()) {
            checkLabel(torch.min(labels).item_long());
            checkLabel(torch.max(labels).item_long());
        }
    }

    /**
     * Checks the shape, the type and the device.
     *
     * @param own one of the head's tensors
     */
    final void checkEmbeddings(Tensor embeddings, Tensor own) {
        if (embeddings.dim() != 2 || embeddings.size(1) != embeddingSize) {
            throw new IllegalArgumentException(
                    "embeddings must be [B, " + embeddingSize + "], but was " + Shapes.of(embeddings));
        }
        if (!embeddings.is_floating_point()) {
            throw new IllegalArgumentException("embeddings must be of a floating type such as float32, but was "
                    + embeddings.scalar_type().intern());
        }
        if (!onSameDevice(embeddings, own)) {
            throw new IllegalArgumentException("embeddings must be on the device of the head, but that is on the "
                    + device(own) + " and the embeddings on the " + device(embeddings));
        }
    }

    private static boolean onSameDevice(Tensor one, Tensor other) {
        if (one.is_cpu() || other.is_cpu()) {
            return one.is_cpu() && other.is_cpu();
        }
        try (Device first = one.device();
                Device second = other.device()) {
            return first.equals(second);
        }
    }

    private static String device(Tensor tensor) {
        try (Device device = tensor.device();
                BytePointer name = device.str()) {
            return tensor.is_cpu() ? "CPU" : tensor.is_cuda() ? "GPU (" + name.getString() + ")" : name.getString();
        }
    }

    private void checkLabel(long label) {
        if (label < 0 || label >= classes) {
            throw new IllegalArgumentException("labels must be in [0, " + classes + ") for a head of " + classes
                    + " classes, but one was " + label);
        }
    }

    /**
     * Returns the state of a margin, as buffers of this head that are saved with it. Missing buffers are registered
     * with their initial values; existing ones keep their values.
     *
     * @param like the tensor whose type and device new buffers get
     */
    final Map<String, Tensor> stateOf(Margin margin, Tensor like) {
        // in the order of names: that of Map.of differs from process to process
        new TreeMap<>(margin.state()).forEach((name, start) -> {
            if (!marginState.containsKey(name)) {
                try (Scalar value = new Scalar(start);
                        Tensor buffer = torch.scalar_tensor(value, like.options())) {
                    register_buffer(name, buffer);
                    // not what register_buffer returns: that lies in a list, which may move
                    marginState.put(name, new Tensor(buffer).retainReference()); // a scope of the caller ends earlier
                }
            }
        });
        return marginState;
    }

    /** Replaces the values of a state by new ones, except those that are NaN or infinite: they would stay for good. */
    static void update(Tensor state, Tensor newest) {
        state.copy_(torch.where(newest.isfinite(), newest, state));
    }

    @Override
    public void close() {
        marginState.values().forEach(Tensor::close);
        super.close();
    }
}
