package org.facerecognition;

import java.nio.file.Path;
import java.util.List;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.FacePairs;
import org.facerecognition.data.Framing;
import org.facerecognition.data.Sampler;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.train.AccuracyScore;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.Freezer;
import org.facerecognition.train.LearningRate;
import org.facerecognition.train.OptimizerSettings;
import org.facerecognition.train.Score;
import org.facerecognition.train.TrainingListener;
import org.jspecify.annotations.Nullable;

/**
 * How to train. The defaults are the study's best run: AdamW at 3e-4 with decay 0.01, batches of 16, 50 epochs, no
 * schedule, nothing frozen.
 *
 * @param optimizer which, with its base rate
 * @param learningRate the schedule
 * @param scheduleUnit what the schedule counts
 * @param freezer keeps layers as they are in some epochs; null for none
 * @param score what is reported as accuracy
 * @param verification faces of people that are not trained on, to be told apart after each epoch; null for none
 * @param bestBy by what the best epoch is chosen
 * @param batchSize samples in a batch, at least 1
 * @param epochs how many passes over the data, at least 1
 * @param maxSteps optimiser steps after which to stop, whatever the epoch; 0 for no limit
 * @param accumulation batches whose gradients are averaged into one step, at least 1
 * @param gradientClip largest Euclidean norm of all gradients together; 0 for no clipping
 * @param headRateFactor the head's rate is the encoder's times this; positive
 * @param marginWarmupEpochs over which a margin grows from 0 to what it is, evenly; 0 for its full size from the start
 * @param headFromMeans whether to begin with the training images' mean embeddings as the identities' centres: for an
 *     encoder that can tell faces apart already. Margin heads only
 * @param decayNormAndBias whether weight decay also acts on biases and batch normalisation; torch's default, seldom wise
 * @param precision the arithmetic
 * @param channelsLast memory layout; faster nearly everywhere
 * @param device where
 * @param loaderThreads that read and augment, at least 1
 * @param sampler the order in which an epoch meets the samples, and how often each
 * @param badImages what to do about a picture that cannot be used
 * @param cacheMib memory in MiB for decoded pictures of each data set, at least 0: a picture that is kept is decoded once,
 *     not once for each copy and epoch
 * @param frozenMemoryMib memory in MiB for what frozen layers make of each picture, at least 0: they then work on it
 *     once and not in every epoch. On a GPU it is the GPU's memory, all of it allocated at the first batch. For a
 *     {@link org.facerecognition.train.FreezeBefore} and few kinds of augmentation: a picture that is new in each epoch
 *     is never met again
 * @param seed of order and augmentation
 * @param backup folder for {@code last.ckpt} and {@code best.ckpt}; null for no backups
 * @param backupEverySteps backs up within an epoch too, every so many steps; 0 for at its end only
 * @param resume whether to go on from {@code last.ckpt} where there is one
 * @param acceptChangedImages whether to resume also where images have other contents than before under the same names,
 *     as when a damaged one was replaced
 * @param listeners that watch
 */
public record TrainerArgs(
        OptimizerSettings optimizer,
        LearningRate learningRate,
        ScheduleUnit scheduleUnit,
        @Nullable Freezer freezer,
        Score score,
        @Nullable VerificationSet verification,
        BestBy bestBy,
        int batchSize,
        int epochs,
        long maxSteps,
        int accumulation,
        double gradientClip,
        double headRateFactor,
        int marginWarmupEpochs,
        boolean headFromMeans,
        boolean decayNormAndBias,
        Precision precision,
        boolean channelsLast,
        ComputeDevice device,
        int loaderThreads,
        Sampler sampler,
        BadImages badImages,
        int cacheMib,
        int frozenMemoryMib,
        long seed,
        @Nullable Path backup,
        int backupEverySteps,
        boolean resume,
        boolean acceptChangedImages,
        List<TrainingListener> listeners) {

    /** What a schedule counts. */
    public enum ScheduleUnit {
        /** The rate changes between epochs; the study's way. */
        EPOCH,
        /** The rate changes with every optimiser step. */
        STEP
    }

    public TrainerArgs {
        atLeast(1, "batchSize", batchSize);
        atLeast(1, "epochs", epochs);
        atLeast(0, "maxSteps", maxSteps);
        atLeast(1, "accumulation", accumulation);
        atLeast(1, "loaderThreads", loaderThreads);
        atLeast(0, "marginWarmupEpochs", marginWarmupEpochs);
        atLeast(0, "backupEverySteps", backupEverySteps);
        atLeast(0, "cacheMib", cacheMib);
        atLeast(0, "frozenMemoryMib", frozenMemoryMib);
        if (!(gradientClip >= 0)) {
            throw new IllegalArgumentException("gradientClip must be at least 0, but was " + gradientClip);
        }
        if (!(headRateFactor > 0)) {
            throw new IllegalArgumentException("headRateFactor must be positive, but was " + headRateFactor);
        }
        if (bestBy != BestBy.ACCURACY && verification == null) {
            throw new IllegalArgumentException("bestBy " + bestBy
                    + " must go with faces of people that are not trained on, but verification was not set");
        }
        if (resume && backup == null) {
            throw new IllegalArgumentException(
                    "resume must go with a backup folder to go on from, but backup was not set");
        }
        listeners = List.copyOf(listeners);
    }

    private static void atLeast(long least, String name, long value) {
        if (value < least) {
            throw new IllegalArgumentException(name + " must be at least " + least + ", but was " + value);
        }
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Sets what differs from the defaults; see {@link TrainerArgs} for what each is. */
    public static final class Builder {
        private OptimizerSettings optimizer = new AdamW(3e-4, 0.01);
        private LearningRate learningRate = LearningRate.constant();
        private ScheduleUnit scheduleUnit = ScheduleUnit.EPOCH;
        private @Nullable Freezer freezer;
        private Score score = new AccuracyScore();
        private @Nullable VerificationSet verification;
        private BestBy bestBy = BestBy.ACCURACY;
        private int batchSize = 16;
        private int epochs = 50;
        private long maxSteps;
        private int accumulation = 1;
        private double gradientClip;
        private double headRateFactor = 1;
        private int marginWarmupEpochs;
        private boolean headFromMeans;
        private boolean decayNormAndBias = true;
        private Precision precision = Precision.FP32;
        private boolean channelsLast = true;
        private ComputeDevice device = ComputeDevice.AUTO;
        private int loaderThreads = 2;
        private Sampler sampler = Sampler.shuffled();
        private BadImages badImages = BadImages.FAIL;
        private int cacheMib = 512;
        private int frozenMemoryMib;
        private long seed;
        private @Nullable Path backup;
        private int backupEverySteps;
        private boolean resume;
        private boolean acceptChangedImages;
        private List<TrainingListener> listeners = List.of();

        private Builder() {}

        public Builder optimizer(OptimizerSettings optimizer) {
            this.optimizer = optimizer;
            return this;
        }

        /** A schedule that counts epochs. */
        public Builder learningRate(LearningRate learningRate) {
            return learningRate(learningRate, ScheduleUnit.EPOCH);
        }

        public Builder learningRate(LearningRate learningRate, ScheduleUnit unit) {
            this.learningRate = learningRate;
            this.scheduleUnit = unit;
            return this;
        }

        public Builder freezer(@Nullable Freezer freezer) {
            this.freezer = freezer;
            return this;
        }

        public Builder score(Score score) {
            this.score = score;
            return this;
        }

        /**
         * Faces of people that are not trained on, each to be compared with each after every epoch.
         *
         * @see FaceDataset#byIdentity
         */
        public Builder verification(FaceDataset unseen) {
            return verification(VerificationSet.of(unseen));
        }

        /** Pairs of faces of people that are not trained on, framed as the training data, to be compared after every epoch. */
        public Builder verification(FacePairs unseen, Framing framing) {
            return verification(VerificationSet.of(unseen, framing));
        }

        public Builder verification(@Nullable VerificationSet unseen) {
            this.verification = unseen;
            return this;
        }

        public Builder bestBy(BestBy bestBy) {
            this.bestBy = bestBy;
            return this;
        }

        public Builder batchSize(int batchSize) {
            this.batchSize = batchSize;
            return this;
        }

        public Builder epochs(int epochs) {
            this.epochs = epochs;
            return this;
        }

        public Builder maxSteps(long maxSteps) {
            this.maxSteps = maxSteps;
            return this;
        }

        public Builder accumulation(int accumulation) {
            this.accumulation = accumulation;
            return this;
        }

        public Builder gradientClip(double norm) {
            this.gradientClip = norm;
            return this;
        }

        public Builder headRateFactor(double factor) {
            this.headRateFactor = factor;
            return this;
        }

        public Builder marginWarmupEpochs(int epochs) {
            this.marginWarmupEpochs = epochs;
            return this;
        }

        public Builder headFromMeans(boolean headFromMeans) {
            this.headFromMeans = headFromMeans;
            return this;
        }

        public Builder decayNormAndBias(boolean decay) {
            this.decayNormAndBias = decay;
            return this;
        }

        public Builder precision(Precision precision) {
            this.precision = precision;
            return this;
        }

        public Builder channelsLast(boolean channelsLast) {
            this.channelsLast = channelsLast;
            return this;
        }

        public Builder device(ComputeDevice device) {
            this.device = device;
            return this;
        }

        public Builder loaderThreads(int threads) {
            this.loaderThreads = threads;
            return this;
        }

        public Builder sampler(Sampler sampler) {
            this.sampler = sampler;
            return this;
        }

        public Builder badImages(BadImages badImages) {
            this.badImages = badImages;
            return this;
        }

        public Builder cacheMib(int cacheMib) {
            this.cacheMib = cacheMib;
            return this;
        }

        public Builder frozenMemoryMib(int frozenMemoryMib) {
            this.frozenMemoryMib = frozenMemoryMib;
            return this;
        }

        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /** The folder for {@code last.ckpt} and {@code best.ckpt}. */
        public Builder backup(@Nullable Path folder) {
            this.backup = folder;
            return this;
        }

        public Builder backupEverySteps(int steps) {
            this.backupEverySteps = steps;
            return this;
        }

        public Builder resume(boolean resume) {
            this.resume = resume;
            return this;
        }

        public Builder acceptChangedImages(boolean accept) {
            this.acceptChangedImages = accept;
            return this;
        }

        public Builder listeners(TrainingListener... listeners) {
            this.listeners = List.of(listeners);
            return this;
        }

        /**
         * @throws IllegalArgumentException when a value makes no sense, saying which
         */
        public TrainerArgs build() {
            return new TrainerArgs(
                    optimizer,
                    learningRate,
                    scheduleUnit,
                    freezer,
                    score,
                    verification,
                    bestBy,
                    batchSize,
                    epochs,
                    maxSteps,
                    accumulation,
                    gradientClip,
                    headRateFactor,
                    marginWarmupEpochs,
                    headFromMeans,
                    decayNormAndBias,
                    precision,
                    channelsLast,
                    device,
                    loaderThreads,
                    sampler,
                    badImages,
                    cacheMib,
                    frozenMemoryMib,
                    seed,
                    backup,
                    backupEverySteps,
                    resume,
                    acceptChangedImages,
                    listeners);
        }
    }
}
