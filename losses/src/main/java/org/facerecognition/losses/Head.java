package org.facerecognition.losses;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * The last part of a recognition net in training: turns embeddings and identity labels into a loss. Dropped when the
 * trained net is used, since people are then compared by their embeddings.
 */
public abstract class Head extends Module {
    private final int classes;
    private final int embeddingSize;
    private final Map<String, Tensor> marginState = new LinkedHashMap<>();

    /**
     * @param name of the module, for libtorch
     * @param classes number of identities, at least 1
     * @param embeddingSize length of an embedding, at least 1
     * @throws IllegalArgumentException when a size is less than 1
     */
    protected Head(String name, int classes, int embeddingSize) {
        super(name);
        Libtorch.load(); // not in a static block, whose failure would be told once only
        if (classes < 1) {
            throw new IllegalArgumentException("classes must be at least 1, but was " + classes);
        }
        if (embeddingSize < 1) {
            throw new IllegalArgumentException("embeddingSize must be at least 1, but was " + embeddingSize);
        }
        this.classes = classes;
        this.embeddingSize = embeddingSize;
    }

    /** What a head makes of one batch. */
    public static final class Output {
        private final Tensor loss;
        private final Supplier<Tensor> scores;
        private final @Nullable Tensor ranks;

        /**
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
         * Of a head with so many classes that it does not make the scores of all unless they are asked for.
         *
         * @param ranks [B], int64, see {@link #ranks}
         * @param scores gives [B, C], without gradient
         */
        public static Output ofRanks(Tensor loss, Tensor ranks, Supplier<Tensor> scores) {
            return new Output(loss, scores, ranks);
        }

        /** The mean loss, a scalar with gradient. */
        public Tensor loss() {
            return loss;
        }

        /** [B, C], as {@link Head#scores} gives them, without gradient. To be asked for before the head is changed. */
        public Tensor scores() {
            return scores.get();
        }

        /**
         * How many identities score strictly higher than the right one, [B], int64; all of them for an embedding of
         * NaN. Empty for a head that gives its scores at once.
         */
        public Optional<Tensor> ranks() {
            return Optional.ofNullable(ranks);
        }
    }

    /**
     * The training loss of a batch.
     *
     * @param embeddings [B, D], floating, not normalized
     * @param labels [B], int64, each in [0, classes)
     * @return the loss and the scores
     * @throws IllegalArgumentException when a shape or a label does not fit
     */
    public abstract Output forward(Tensor embeddings, Tensor labels);

    /**
     * The score of each identity, the higher the likelier. No margin is in it: a margin makes the right answer look
     * worse on purpose, so accuracy is taken from the scores without.
     *
     * @param embeddings [B, D], floating, not normalized
     * @return [B, C]
     */
    public abstract Tensor scores(Tensor embeddings);

    /** Number of identities, C. */
    public final int classes() {
        return classes;
    }

    /** Length of an embedding, D. */
    public final int embeddingSize() {
        return embeddingSize;
    }

    /** Checks shapes always, and label values where that costs no wait for a device. */
    final void checkBatch(Tensor embeddings, Tensor labels) {
        if (embeddings.dim() != 2 || embeddings.size(1) != embeddingSize) {
            throw new IllegalArgumentException(
                    "embeddings must be [B, " + embeddingSize + "], but was " + Shapes.of(embeddings));
        }
        if (labels.dim() != 1 || labels.size(0) != embeddings.size(0)) {
            throw new IllegalArgumentException(
                    "labels must be [" + embeddings.size(0) + "] like the embeddings, but was " + Shapes.of(labels));
        }
        if (labels.is_cpu() && labels.numel() > 0) {
            checkLabel(torch.min(labels).item_long());
            checkLabel(torch.max(labels).item_long());
        }
    }

    private void checkLabel(long label) {
        if (label < 0 || label >= classes) {
            throw new IllegalArgumentException("labels must be in [0, " + classes + ") for a head of " + classes
                    + " classes, but one was " + label);
        }
    }

    /**
     * What a margin carries from step to step, as buffers of this head that are saved with it: registered when they are
     * not yet, at their values for the start, and otherwise as they are.
     *
     * @param like gives type and device
     */
    final Map<String, Tensor> stateOf(Margin margin, Tensor like) {
        margin.state().forEach((name, start) -> {
            if (!marginState.containsKey(name)) {
                try (Scalar value = new Scalar(start);
                        Tensor buffer = torch.scalar_tensor(value, like.options())) {
                    register_buffer(name, buffer);
                    marginState.put(name, new Tensor(buffer)); // what register gives lies in a list that may move
                }
            }
        });
        return marginState;
    }

    @Override
    public void close() {
        marginState.values().forEach(Tensor::close);
        super.close();
    }
}
