package org.facerecognition.train;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchShare;
import org.facerecognition.losses.Head;
import org.facerecognition.natives.RandomStream;
import org.jspecify.annotations.Nullable;

/** What the processes of a training do together. For a process alone, {@link #ALONE} does nothing of it. */
public interface Ranks {
    /** One process. */
    Ranks ALONE = new Alone();

    /**
     * Returns the ranks of a training.
     *
     * @throws IllegalArgumentException when these parts cannot be trained as the settings ask for
     */
    static Ranks of(DataParallel settings, Backbone encoder, Head head, Device device, long seed) {
        return settings.group().worldSize() == 1 ? ALONE : new RanksOfGroup(settings, encoder, head, device, seed);
    }

    /** Returns whether this is the process that writes checkpoints and validates. */
    boolean isFirst();

    /** Returns this process's share of every batch. */
    BatchShare share();

    /** Returns whether batch normalization sees all images of a batch. */
    boolean seesWholeBatches();

    /**
     * Runs the forward pass of a training step.
     *
     * @param epoch number of the epoch, from 0
     * @return the embeddings, the labels and the loss of the whole batch, on all ranks; gradients flow into this rank's
     *     part of the batch
     */
    ForwardPass.Result forward(ForwardPass pass, Batch batch, RandomStream random, int epoch);

    /**
     * Runs the forward pass of an evaluation, in which each rank embeds its share.
     *
     * @return the embeddings, the labels and the loss of the whole batch, on all ranks, without the rows that hold
     *     other samples than their own (see {@link Batch#replacements}); null when there are no others
     */
    ForwardPass.@Nullable Result evaluation(ForwardPass pass, Batch batch);

    /** Adds up the encoder's gradients of all ranks. The head's are the same on all ranks. */
    void sumGradients();

    /** Throws what went wrong between the ranks during a backward pass, in which nothing can be thrown on a GPU. */
    void checkBackward();

    /** Makes running statistics, such as those of batch normalization, the mean of all ranks'. */
    void averageStatistics();

    /** Gives all ranks the parameters and buffers of the first one. */
    void align(Module net);

    /**
     * Spreads the class centers over the ranks, which have equal ones so far, if the settings ask for it.
     *
     * @param optimizer of the head, without state so far
     */
    void shardHead(ParameterOptimizer optimizer);

    /** Gives this rank the class centers that it had before, if it cannot go on before it has trained. */
    void restoreHead();

    /** Gives all ranks all class centers again, if they are spread. */
    void unshardHead();

    /** Returns how the class centers are spread over the ranks; null while all of them are on each. */
    @Nullable
    HeadShards headShards();

    /** Returns whether a condition holds on any rank. */
    boolean any(boolean mine);

    /** Runs work on the first rank only and returns its results, of which there may be none, on all. */
    List<Double> onFirst(Supplier<List<Double>> work);

    /** Returns the entries of all ranks, on all of them. */
    Map<String, String> union(Map<String, String> mine);

    /**
     * Compares what must be the same on all ranks.
     *
     * @throws IllegalStateException on every rank, with what differs
     */
    void requireSame(Supplier<Map<String, String>> mine);

    /** A process that trains alone. */
    final class Alone implements Ranks {
        private Alone() {}

        @Override
        public boolean isFirst() {
            return true;
        }

        @Override
        public BatchShare share() {
            return BatchShare.WHOLE;
        }

        @Override
        public boolean seesWholeBatches() {
            return true;
        }

        @Override
        public ForwardPass.Result forward(ForwardPass pass, Batch batch, RandomStream random, int epoch) {
            Tensor labels = batch.labels(); // [B]
            return pass.training(batch.images(), labels, random); // of [B, 3, H, W]
        }

        @Override
        public ForwardPass.@Nullable Result evaluation(ForwardPass pass, Batch batch) {
            return batch.replacements().isEmpty()
                    ? pass.evaluation(batch.images(), batch.labels())
                    : pass.ofLabeled(pass.embed(batch.images()), batch.ownLabels());
        }

        @Override
        public void sumGradients() {}

        @Override
        public void checkBackward() {}

        @Override
        public void averageStatistics() {}

        @Override
        public void align(Module net) {}

        @Override
        public void shardHead(ParameterOptimizer optimizer) {}

        @Override
        public void restoreHead() {}

        @Override
        public void unshardHead() {}

        @Override
        public @Nullable HeadShards headShards() {
            return null;
        }

        @Override
        public boolean any(boolean mine) {
            return mine;
        }

        @Override
        public List<Double> onFirst(Supplier<List<Double>> work) {
            return work.get();
        }

        @Override
        public Map<String, String> union(Map<String, String> mine) {
            return mine;
        }

        @Override
        public void requireSame(Supplier<Map<String, String>> mine) {}
    }
}
