package org.facerecognition;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.FacePairs;
import org.facerecognition.data.Sampler;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Precision;
import org.facerecognition.natives.Processors;
import org.facerecognition.train.AccuracyScore;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.Checkpointing;
import org.facerecognition.train.DataParallel;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.Evaluation;
import org.facerecognition.train.Freezer;
import org.facerecognition.train.LearningRate;
import org.facerecognition.train.Loading;
import org.facerecognition.train.Optimization;
import org.facerecognition.train.OptimizerSettings;
import org.facerecognition.train.ScheduleUnit;
import org.facerecognition.train.Score;
import org.facerecognition.train.TrainingListener;
import org.jspecify.annotations.Nullable;

/**
 * How to train, by stage. The defaults are the study's best run: AdamW with a learning rate of 3e-4 and weight decay
 * 0.01, batches of 16, 50 epochs, a constant learning rate, nothing frozen.
 *
 * @param optimization how weights change, for how long, in which arithmetic
 * @param loading how images reach the network
 * @param checkpoints where and when checkpoints are written, and whether to resume
 * @param evaluation what is measured after each epoch
 * @param parallel the processes that train together, if there are several
 * @param listeners that watch the training
 */
public record TrainerArgs(
        Optimization optimization,
        Loading loading,
        Checkpointing checkpoints,
        Evaluation evaluation,
        DataParallel parallel,
        List<TrainingListener> listeners) {

    /** @throws IllegalArgumentException when a value is null, naming it */
    public TrainerArgs {
        RecognizerArgs.requireGiven("optimization", optimization);
        RecognizerArgs.requireGiven("loading", loading);
        RecognizerArgs.requireGiven("checkpoints", checkpoints);
        RecognizerArgs.requireGiven("evaluation", evaluation);
        RecognizerArgs.requireGiven("parallel", parallel);
        RecognizerArgs.requireGiven("listeners", listeners);
        if (listeners.stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("listeners must be given, but one was null");
        }
        listeners = List.copyOf(listeners);
    }

    /** Creates args for one process. */
    public TrainerArgs(
            Optimization optimization,
            Loading loading,
            Checkpointing checkpoints,
            Evaluation evaluation,
            List<TrainingListener> listeners) {
        this(optimization, loading, checkpoints, evaluation, DataParallel.NONE, listeners);
    }

    /**
     * A builder with the defaults.
     *
     * @throws IllegalArgumentException when {@link Processors#PROPERTY} is not a whole number of at least 1
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Sets what differs from the defaults. Each setting is described in the record of its stage: {@link Optimization},
     * {@link Loading}, {@link Checkpointing}, {@link Evaluation}, {@link DataParallel}.
     */
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
        private double headLrMultiplier = 1;
        private int marginWarmupEpochs;
        private boolean headFromMeans;
        private boolean decayNormAndBias = true;
        private Precision precision = Precision.FP32;
        private boolean channelsLast = true;
        private ComputeDevice device = ComputeDevice.AUTO;
        private int loaderThreads = Math.min(2, Processors.count());
        private Sampler sampler = Sampler.shuffled();
        private BadImages badImages = BadImages.FAIL;
        private int imageCacheMib = 512;
        private int featureCacheMib;
        private long seed;
        private @Nullable Path checkpoints;
        private int checkpointEverySteps;
        private boolean resume;
        private boolean acceptChangedImages;
        private Distributed group = Distributed.alone();
        private boolean syncBatchNorm;
        private boolean shardHead;
        private List<TrainingListener> listeners = List.of();

        private Builder() {}

        public Builder optimizer(OptimizerSettings optimizer) {
            this.optimizer = optimizer;
            return this;
        }

        /** Sets a schedule that counts epochs. */
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
         * Sets faces of people outside the training data; after every epoch, all pairs of them are compared.
         *
         * @see FaceDataset#byIdentity
         */
        public Builder verification(FaceDataset unseen) {
            return verification(VerificationSet.of(unseen));
        }

        /**
         * Sets pairs of faces of people outside the training data, which are compared after every epoch.
         *
         * @param crop how their images are cropped, usually as the training data
         */
        public Builder verification(FacePairs unseen, Crop crop) {
            return verification(VerificationSet.of(unseen, crop));
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

        public Builder headLrMultiplier(double factor) {
            this.headLrMultiplier = factor;
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

        /** Sets the number of threads that read; by default 2, or 1 where {@link Processors} counts 1. */
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

        public Builder imageCacheMib(int imageCacheMib) {
            this.imageCacheMib = imageCacheMib;
            return this;
        }

        public Builder featureCacheMib(int featureCacheMib) {
            this.featureCacheMib = featureCacheMib;
            return this;
        }

        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /** Sets the folder for {@code last.ckpt} and {@code best.ckpt}; none by default. */
        public Builder checkpoints(@Nullable Path folder) {
            this.checkpoints = folder;
            return this;
        }

        public Builder checkpointEverySteps(int steps) {
            this.checkpointEverySteps = steps;
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

        /**
         * Sets the processes that train together; {@code batchSize} is then the size of a batch of all of them.
         *
         * @param group borrowed
         */
        public Builder distributed(Distributed group) {
            this.group = group;
            return this;
        }

        public Builder syncBatchNorm(boolean syncBatchNorm) {
            this.syncBatchNorm = syncBatchNorm;
            return this;
        }

        /** Spreads the class centers over the processes; see {@link DataParallel#shardHead}. */
        public Builder shardHead(boolean shardHead) {
            this.shardHead = shardHead;
            return this;
        }

        public Builder listeners(TrainingListener... listeners) {
            this.listeners = Arrays.asList(listeners.clone());
            return this;
        }

        /**
         * @throws IllegalArgumentException if a value is invalid; the message names it
         */
        public TrainerArgs build() {
            return new TrainerArgs(
                    new Optimization(
                            optimizer,
                            learningRate,
                            scheduleUnit,
                            freezer,
                            epochs,
                            maxSteps,
                            accumulation,
                            gradientClip,
                            headLrMultiplier,
                            marginWarmupEpochs,
                            headFromMeans,
                            decayNormAndBias,
                            precision,
                            channelsLast,
                            device,
                            seed),
                    new Loading(batchSize, sampler, loaderThreads, badImages, imageCacheMib, featureCacheMib),
                    new Checkpointing(checkpoints, checkpointEverySteps, resume, acceptChangedImages),
                    new Evaluation(score, verification, bestBy),
                    new DataParallel(group, syncBatchNorm, shardHead),
                    listeners);
        }

        // ---- former names ----

        /** @deprecated since 0.1, renamed to {@link #checkpoints} */
        @Deprecated
        public Builder backup(@Nullable Path folder) {
            return checkpoints(folder);
        }

        /** @deprecated since 0.1, renamed to {@link #checkpointEverySteps} */
        @Deprecated
        public Builder backupEverySteps(int steps) {
            return checkpointEverySteps(steps);
        }

        /** @deprecated since 0.1, renamed to {@link #headLrMultiplier} */
        @Deprecated
        public Builder headRateFactor(double factor) {
            return headLrMultiplier(factor);
        }

        /** @deprecated since 0.1, renamed to {@link #imageCacheMib} */
        @Deprecated
        public Builder cacheMib(int mib) {
            return imageCacheMib(mib);
        }

        /** @deprecated since 0.1, renamed to {@link #featureCacheMib} */
        @Deprecated
        public Builder frozenMemoryMib(int mib) {
            return featureCacheMib(mib);
        }
    }
}
