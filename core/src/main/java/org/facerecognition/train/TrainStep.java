package org.facerecognition.train;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.RandomStream;

/**
 * One optimizer step: embed, loss, backward for each of its batches, then add up the gradients of all ranks, step, and
 * zero the gradients. Gradients are
 * checked before they change a weight.
 */
public final class TrainStep {
    private static final String HEAD_WEIGHT = ParameterGroup.HEAD_PREFIX + "weight";

    private final BatchLoader loader;
    private final ForwardPass forward;
    private final Ranks ranks;
    private final ParameterOptimizer optimizer;
    private final RandomStream random;
    private final double gradientClip; // 0 for none
    private final Score score;
    private final List<TrainingListener> embeddingWatchers;
    private final boolean measuresEmbeddings;
    private boolean changedWeights;

    /**
     * @param ranks that train together
     * @param gradientClip largest Euclidean norm of all gradients together; 0 for no clipping
     */
    public TrainStep(
            BatchLoader loader,
            ForwardPass forward,
            Ranks ranks,
            ParameterOptimizer optimizer,
            RandomStream random,
            double gradientClip,
            Score score,
            List<TrainingListener> listeners) {
        this.loader = loader;
        this.forward = forward;
        this.ranks = ranks;
        this.optimizer = optimizer;
        this.random = random;
        this.gradientClip = gradientClip;
        this.score = score;
        this.embeddingWatchers =
                listeners.stream().filter(TrainingListener::wantsEmbeddingStats).toList();
        boolean wanted = !embeddingWatchers.isEmpty();
        this.measuresEmbeddings =
                ranks.headShards() == null ? wanted : ranks.any(wanted); // all ranks have a part in it
    }

    /**
     * What a step came to.
     *
     * @param loss mean over the samples
     * @param waitSeconds spent waiting for images
     */
    public record Result(double loss, int samples, double waitSeconds) {}

    /**
     * Makes a step of the next batches of an epoch. Its gradient is that of the mean loss over all its samples: each
     * batch counts by its size.
     *
     * @param batches whose gradients are averaged
     * @param learningRate of this step
     * @param where the training is, for messages
     * @throws NonFiniteLossException when a loss or a gradient is NaN or infinite; no weight
     *     has changed then
     */
    public Result run(
            BatchLoader.Epoch epoch,
            int batches,
            double learningRate,
            TrainingProgress progress,
            Divergence.Where where) {
        Shares shares = shares(progress.batch, batches);
        double lossSum = 0;
        int samples = 0;
        double waited = 0;
        for (int i = 0; i < batches; i++) {
            long start = System.nanoTime();
            try (Batch batch = epoch.next()) {
                waited += (System.nanoTime() - start) / 1e9;
                double loss = NativeErrors.explained(() -> accumulate(batch, shares, progress, where));
                lossSum += loss * batch.wholeSize();
                samples += batch.wholeSize();
            }
        }
        double loss = lossSum / samples;
        NativeErrors.explained(() -> {
            update(learningRate, loss, where);
            return null;
        });
        return new Result(loss, samples, waited);
    }

    /**
     * The batches of a step.
     *
     * @param batches number of them
     * @param samples in all of them
     * @param equal whether each has as many samples
     */
    private record Shares(int batches, int samples, boolean equal) {
        /** Scales the mean loss of a batch by the batch's part of the step. */
        Tensor of(Tensor loss, int size) {
            if (batches == 1) {
                return loss;
            }
            return equal ? loss.div(new Scalar((double) batches)) : loss.mul(new Scalar((double) size / samples));
        }
    }

    private Shares shares(int first, int batches) {
        int[] sizes =
                IntStream.range(first, first + batches).map(loader::wholeSize).toArray();
        return new Shares(
                batches,
                Arrays.stream(sizes).sum(),
                Arrays.stream(sizes).distinct().count() == 1);
    }

    /** Changes the weights by the gradients of all ranks. */
    private void update(double learningRate, double loss, Divergence.Where where) {
        ranks.sumGradients();
        double norm = gradientClip > 0 ? optimizer.clipGradients(gradientClip) : optimizer.gradientNorm();
        if (!Double.isFinite(norm)) {
            throw Divergence.ofGradients(optimizer.nonFiniteGradients(), loss, where);
        }
        changedWeights = true;
        optimizer.step(learningRate);
        optimizer.zeroGrad();
    }

    /** Whether any step has begun to change weights. */
    public boolean hasChangedWeights() {
        return changedWeights;
    }

    /** Adds a batch's gradients to those of the step; returns its mean loss. */
    private double accumulate(Batch batch, Shares shares, TrainingProgress progress, Divergence.Where where) {
        try (PointerScope scope = new PointerScope()) {
            ForwardPass.Result result = ranks.forward(forward, batch, random, progress.epoch);
            Tensor labels = result.labels(); // [B]
            Tensor embeddings = result.embeddings(); // [B, D]
            Head.Output output = result.output();
            double loss = output.loss().item_double();
            if (!Double.isFinite(loss)) {
                throw Divergence.ofLoss(loss, embeddings, loader.names(progress.epoch, batch.index()), where);
            }
            Tensor share = shares.of(output.loss(), batch.wholeSize());
            try {
                share.backward();
            } catch (RuntimeException e) {
                throw Head.failure(e);
            }
            ranks.checkBackward();
            addSampledRowGradients();
            reportEmbeddings(embeddings, labels);
            progress.addBatch(loss, ForwardPass.score(score, output, labels), batch.wholeSize());
            return loss;
        } catch (RuntimeException | Error e) {
            forward.head().forgetForward(); // of a pass that has no backward pass
            throw e;
        }
    }

    /** Of Partial FC, whose centers have a gradient by rows. */
    private void addSampledRowGradients() {
        if (forward.head() instanceof MarginSoftmax head) {
            head.sampled()
                    .filter(sampled -> sampled.values().grad().defined())
                    .ifPresent(sampled -> optimizer.addRowGradient(
                            HEAD_WEIGHT, sampled.rows(), sampled.values().grad()));
        }
    }

    private void reportEmbeddings(Tensor embeddings, Tensor labels) {
        if (measuresEmbeddings) {
            BatchEmbeddingStats stats = EmbeddingStats.of(forward.head(), embeddings, labels);
            embeddingWatchers.forEach(listener -> listener.embeddingStats(stats));
        }
    }
}
