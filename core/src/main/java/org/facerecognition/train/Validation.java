package org.facerecognition.train;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Sampler;
import org.facerecognition.eval.DatasetEmbedder;
import org.facerecognition.eval.Roc;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.MetricHead;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.EpochReport.Unseen;
import org.jspecify.annotations.Nullable;

/**
 * Measures a network after each epoch: on validation images of the training's people, and by the verification of other
 * people.
 */
public final class Validation implements AutoCloseable {
    private static final double UNSEEN_FAR = 1e-3;
    private static final int EPOCH = 0; // always in the data set's order

    /** Embeds the samples of a data set, skipping unusable images or not. */
    public interface Embedding {
        /**
         * @param embedded is told the number of samples done so far
         * @return null when the training is to stop meanwhile
         */
        DatasetEmbedder.@Nullable Usable embed(FaceDataset faces, IntConsumer embedded);
    }

    private final Evaluation settings;
    private final List<TrainingListener> listeners;
    private final BooleanSupplier stopped;
    private final Module net;
    private final Embedding embedding;
    private final ForwardPass forward;
    private final Ranks ranks;
    private final @Nullable BatchLoader loader;
    private final int images;
    private final boolean comparesInBatches; // whether the loss compares the samples of a batch
    private final Map<String, String> unusableFaces = new TreeMap<>();
    private @Nullable VerificationSet people;

    /**
     * @param stopped whether the training is to stop, on this rank
     * @param net whose parts {@code forward} runs
     * @param ranks that validate together
     * @param embedding of verification faces
     * @param loader batches of the validation images, of which each rank has its share; closed here; null for none
     * @param images how many they are
     */
    public Validation(
            Evaluation settings,
            List<TrainingListener> listeners,
            BooleanSupplier stopped,
            Module net,
            ForwardPass forward,
            Ranks ranks,
            Embedding embedding,
            @Nullable BatchLoader loader,
            int images) {
        this.settings = settings;
        this.listeners = listeners;
        this.stopped = stopped;
        this.net = net;
        this.forward = forward;
        this.ranks = ranks;
        this.embedding = embedding;
        this.loader = loader;
        this.images = images;
        this.comparesInBatches = forward.head() instanceof MetricHead;
        this.people = settings.verification();
    }

    /** The order of validation images: a loss of pairs needs images of the same person in a batch. */
    public static Sampler samplerFor(Head head) {
        return head instanceof MetricHead ? Sampler.paired() : Sampler.sequential();
    }

    /**
     * The result of a validation.
     *
     * @param loss mean; NaN where it was not measured
     * @param score mean; NaN where it was not measured
     * @param unseen null where it was not measured
     */
    public record Result(
            double loss, double score, @Nullable Unseen unseen) {
        private Result with(Unseen unseen) {
            return new Result(loss, score, unseen);
        }
    }

    /** Whether there is validation data or verification faces. */
    public boolean isWanted() {
        return loader != null || people != null;
    }

    /**
     * The measure by which the best epoch is chosen; null where nothing is measured, so that the last epoch is the
     * best.
     */
    public @Nullable BestBy bestBy() {
        if (loader != null || settings.bestBy() != BestBy.ACCURACY) {
            return settings.bestBy();
        }
        return people == null ? null : BestBy.UNSEEN_AUC;
    }

    /**
     * Runs the validation, on all ranks. It uses no random numbers, so a training is the same with and without it.
     *
     * @return the first rank's result, on all ranks; null on all of them if it ended in its middle because the training
     *     is to stop
     */
    public @Nullable Result run() {
        Result known = loader == null ? new Result(Double.NaN, Double.NaN, null) : ofKnownPeople(loader);
        if (known == null || people == null) {
            return known;
        }
        VerificationSet faces = people;
        List<Double> unseen = ranks.onFirst(() -> ofOtherPeople(faces));
        if (unseen.isEmpty()) {
            return null;
        }
        return known.with(new Unseen(unseen.get(0), unseen.get(1), unseen.get(2), unseen.get(3)));
    }

    private @Nullable Result ofKnownPeople(BatchLoader loader) {
        net.eval();
        TrainingProgress sums = new TrainingProgress();
        int done = 0;
        try (BatchLoader.Epoch epoch = loader.epoch(EPOCH)) {
            while (epoch.hasNext()) {
                if (ranks.any(stopped.getAsBoolean())) {
                    return null;
                }
                try (Batch batch = epoch.next();
                        PointerScope scope = new PointerScope();
                        NoGradGuard noGrad = new NoGradGuard()) {
                    add(batch, sums);
                    done += batch.wholeSize();
                }
                passed("validation", done, images);
            }
        }
        double loss = sums.lossSamples == 0 ? Double.NaN : sums.lossSum / sums.lossSamples;
        double score = sums.scoreSum / sums.samples;
        // processors of unlike machines round differently, but all ranks must agree on the best epoch
        List<Double> first = ranks.onFirst(() -> List.of(loss, score));
        return new Result(first.get(0), first.get(1), null);
    }

    private void add(Batch batch, TrainingProgress sums) {
        ForwardPass.@Nullable Result result = NativeErrors.explained(() -> ranks.evaluation(forward, batch));
        if (result == null) { // none of its images can be used
            return;
        }
        Tensor labels = result.labels(); // [B]
        Head.Output output = result.output();
        double score = ForwardPass.score(settings.score(), output, labels);
        if (comparesInBatches && !showsPairs(labels)) {
            sums.addBatchWithoutLoss(score, (int) labels.numel());
        } else {
            sums.addBatch(output.loss().item_double(), score, (int) labels.numel());
        }
    }

    /** Whether a batch has genuine and impostor pairs, without which a loss of pairs is 0 and meaningless. */
    private static boolean showsPairs(Tensor labels) {
        long people =
                torch.unique_consecutive(labels.sort(0, false).get0()).get0().numel();
        return people > 1 && people < labels.numel();
    }

    /** Returns the values of an {@link Unseen}; none when the training is to stop meanwhile. */
    private List<Double> ofOtherPeople(VerificationSet faces) {
        int count = faces.faces().size();
        DatasetEmbedder.Usable embedded = embedding.embed(faces.faces(), done -> passed("verification", done, count));
        if (embedded == null) {
            return List.of();
        }
        VerificationSet usable = faces;
        if (!embedded.skipped().isEmpty()) {
            unusableFaces.putAll(embedded.reasons());
            usable = faces.without(embedded.skipped());
            usable.requireMeasurable();
            people = usable;
        }
        Roc roc = usable.verify(all -> embedded.faces()).roc();
        double far = Math.max(UNSEEN_FAR, 1.0 / roc.impostorPairs());
        return List.of(roc.auc(), roc.equalErrorRate(), roc.tarAtFar(far), far);
    }

    /** Images that could not be used so far, with the reason for each. */
    public Map<String, String> skipped() {
        Map<String, String> all = new TreeMap<>(unusableFaces);
        if (loader != null) {
            all.putAll(loader.skipped());
        }
        return all;
    }

    private void passed(String what, int done, int of) {
        for (TrainingListener listener : listeners) {
            listener.passed(what, done, of);
        }
    }

    @Override
    public void close() {
        if (loader != null) {
            loader.close();
        }
    }
}
