package org.facerecognition;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.FrozenFeatureCache;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.eval.DatasetEmbedder;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.train.BufferCopies;
import org.facerecognition.train.BusyNeighbors;
import org.facerecognition.train.Checkpointing;
import org.facerecognition.train.Checkpoints;
import org.facerecognition.train.Divergence;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.FolderLock;
import org.facerecognition.train.ForwardPass;
import org.facerecognition.train.HeadShards;
import org.facerecognition.train.History;
import org.facerecognition.train.Listeners;
import org.facerecognition.train.Loading;
import org.facerecognition.train.MarginWarmup;
import org.facerecognition.train.OneImageTrial;
import org.facerecognition.train.OpenResources;
import org.facerecognition.train.Optimization;
import org.facerecognition.train.ParameterGroup;
import org.facerecognition.train.ParameterOptimizer;
import org.facerecognition.train.Ranks;
import org.facerecognition.train.ScheduleUnit;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainStep;
import org.facerecognition.train.TrainableParameters;
import org.facerecognition.train.TrainingChecks;
import org.facerecognition.train.TrainingDescription;
import org.facerecognition.train.TrainingProgress;
import org.facerecognition.train.Validation;
import org.facerecognition.weights.NamedTensors;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@link Trainer#fit}: opens what a training needs, runs its epochs and steps, and closes it again.
 *
 * Long because the parts of a training, each a class of its own, are opened in one order.
 */
final class TrainingRun implements AutoCloseable {
    private final Recognizer recognizer;
    private final Module net;
    private final AtomicBoolean stopped;
    private final Optimization optimization;
    private final Loading loading;
    private final Checkpointing checkpointing;
    private final Listeners listeners;
    private final Ranks ranks;
    private final ModelInfo.TrainedOn formerData;
    private final Device device;
    private final Device formerDevice;
    private final boolean formerlyChannelsLast;
    private final BufferCopies formerBuffers;
    private final OpenResources resources = new OpenResources();
    private final TrainableParameters trainable;
    private final MarginWarmup marginWarmup;
    private final @Nullable FrozenFeatureCache featureCache;
    private final ForwardPass forward;
    private final BatchLoader trainLoader;
    private final Validation validation;
    private final ParameterOptimizer optimizer;
    private final Checkpoints checkpoints;
    private final TrainingProgress progress;
    private final BusyNeighbors neighbors;
    private final Map<String, String> skippedForCenters = new TreeMap<>(); // reasons by image
    private boolean resumed;
    private @Nullable TrainStep step; // null until everything is open

    /**
     * Opens all that a training needs. When this throws, nothing is open and the recognizer is as it was before, except
     * that a sharded head has this rank's centers alone where a checkpoint that fits could not be read to its end.
     *
     * @param validationData null for none
     */
    TrainingRun(
            TrainerArgs args,
            Recognizer recognizer,
            FaceDataset train,
            @Nullable FaceDataset validationData,
            AtomicBoolean stopped) {
        TrainingChecks checks = new TrainingChecks(
                args.optimization(),
                args.loading(),
                args.evaluation(),
                recognizer.encoder(),
                recognizer.head(),
                train,
                validationData);
        checks.run(args.checkpoints().folder() != null, args.parallel().group().worldSize());
        this.recognizer = recognizer;
        this.net = recognizer.net();
        this.stopped = stopped;
        this.optimization = args.optimization();
        this.loading = args.loading();
        this.checkpointing = args.checkpoints();
        this.listeners = new Listeners(args.listeners());
        this.formerData = recognizer.model().trainedOn();
        this.device = resources.add(
                optimization.device().resolve(args.parallel().group().localRank()));
        this.ranks = Ranks.of(args.parallel(), recognizer.encoder(), recognizer.head(), device, optimization.seed());
        this.formerDevice = resources.add(recognizer.embedder().copyOfDevice());
        this.formerlyChannelsLast = isChannelsLast(recognizer.encoder());
        this.formerBuffers =
                resources.add(optimization.headFromMeans() ? BufferCopies.withHead(net) : new BufferCopies(net));
        this.trainable = new TrainableParameters(net);
        this.neighbors = new BusyNeighbors(device.is_cpu() ? torch.get_num_threads() : 1);
        this.marginWarmup = new MarginWarmup(recognizer.head(), optimization.marginWarmupEpochs());
        try {
            resources.onClose(this::restoreRecognizer);
            prepareRecognizer(train);
            TrainingDescription description = checkpointing.folder() == null && ranks == Ranks.ALONE
                    ? null
                    : description(args, train, validationData);
            ranks.requireSame(() -> ofAllRanks(args, Objects.requireNonNull(description)));
            if (checkpointing.folder() != null && ranks.isFirst()) {
                resources.add(FolderLock.of(checkpointing.folder()));
            }
            this.featureCache = checks.featureCache();
            if (featureCache != null) {
                resources.add(featureCache);
            }
            this.forward = new ForwardPass(
                    recognizer.encoder(),
                    recognizer.head(),
                    recognizer.model().isOfOwnParts(),
                    device,
                    optimization.precision(),
                    featureCache);
            BatchLoader.Settings batches =
                    loading.batches(recognizer.imageSizePx(), recognizer.normalization(), optimization.seed());
            this.trainLoader =
                    resources.add(new BatchLoader(train, batches, device, optimization.channelsLast(), ranks.share()));
            this.validation = resources.add(validation(args, validationData, batches));
            requireTrainableBatches();
            try (PointerScope scope = new PointerScope()) {
                optimizer = resources.add(optimization
                        .optimizer()
                        .over(ParameterGroup.of(recognizer.encoder(), recognizer.head(), optimization)));
            }
            optimizer.zeroGrad(); // gradients that the caller left would be part of the first step
            resources.onClose(optimizer::zeroGrad);
            boolean sharded = args.parallel().shardHead() && shardHead(train);
            RandomStream random = resources.add(new RandomStream(device, optimization.seed()));
            this.checkpoints = new Checkpoints(
                    checkpointing,
                    recognizer.inCheckpoints(),
                    optimizer,
                    random,
                    checkpointing.folder() == null ? null : description,
                    args.listeners(),
                    ranks.isFirst(),
                    ranks.headShards());
            trainable.check(optimization.freezer(), epochsToTry()); // before a checkpoint is loaded
            net.eval(); // a freezer may have set some of it otherwise
            this.progress =
                    checkpoints.resumeOrStart(found -> ranks.requireSame(() -> TrainingDescription.ofProgress(found)));
            this.resumed = checkpoints.isResumed();
            this.step = new TrainStep(
                    trainLoader,
                    forward,
                    ranks,
                    optimizer,
                    random,
                    optimization.gradientClip(),
                    args.evaluation().score(),
                    args.listeners());
            checks.notes().forEach(listeners::note);
            if (ranks.any(checkpoints.lacksBest(progress))) {
                progress.bestScore = Double.NEGATIVE_INFINITY;
                listeners.note("there is no best.ckpt any more in " + checkpointing.folder()
                        + ": the next epoch that is trained to its end is written there, whatever its figures");
            }
            if (trainLoader.lastOneJoins()) {
                listeners.note("the last batch of an epoch has " + (loading.batchSize() + 1)
                        + " images: one would be left over, which batch normalization cannot work on alone");
            }
            if (optimization.headFromMeans() && progress.step == 0 && (!sharded || ranks.any(resumed))) {
                ranks.unshardHead(); // the checkpoint may have the centers from before
                ranks.onFirst(() -> initializeCenters(train, true)); // the others get them with the first epoch
                if (sharded) {
                    ranks.align(net);
                    ranks.shardHead(optimizer);
                }
            }
            HeadShards shards = ranks.headShards();
            if (shards != null) {
                shards.dropWhole();
            }
        } catch (RuntimeException | Error e) {
            try {
                close();
            } catch (RuntimeException | Error second) { // which must not hide why the training cannot begin
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    /** Returns what ranks compare before they exchange tensors: libtorch may end a process that expects other sizes. */
    private Map<String, String> ofAllRanks(TrainerArgs args, TrainingDescription description) {
        Map<String, String> all = description.ofAllRanks(checkpointing, net);
        all.put("device", device.is_cpu() ? "the CPU" : "a GPU");
        all.put("sharded head", Boolean.toString(args.parallel().shardHead()));
        return all;
    }

    /** Spreads the class centers over ranks, after the last use of all of them on one; returns whether it did. */
    private boolean shardHead(FaceDataset train) {
        if (ranks == Ranks.ALONE) {
            return false;
        }
        if (optimization.headFromMeans()) { // only the first rank need see the folder of checkpoints by now
            ranks.onFirst(() -> Checkpoints.isThere(checkpointing) ? List.of() : initializeCenters(train, false));
        }
        ranks.align(net);
        ranks.shardHead(optimizer);
        resources.onClose(ranks::restoreHead);
        return true;
    }

    private void prepareRecognizer(FaceDataset train) {
        ModelInfo model = recognizer.model();
        model.inTraining(recognizer.head());
        recognizer.embedder().to(device);
        recognizer.encoder().setChannelsLast(optimization.channelsLast());
        if (!model.thresholds().isEmpty()) {
            listeners.note("training invalidates the model's thresholds: calibrate it again afterwards");
        }
        model.trainedOn(train.crop(), train.identities());
        model.setOrigin(model.origin().trainedOn(train.toString()));
    }

    private static boolean isChannelsLast(Backbone encoder) {
        try (PointerScope scope = new PointerScope()) {
            return NamedTensors.parameters(encoder).values().stream()
                    .filter(parameter -> parameter.dim() == 4)
                    .allMatch(parameter -> parameter.is_contiguous(MemoryFormat.ChannelsLast));
        }
    }

    /** Restores all but what the training has changed in the weights; without such changes, data and device too. */
    private void restoreRecognizer() {
        trainable.restore();
        net.eval();
        marginWarmup.restore();
        recognizer.model().inTraining(null);
        if (!resumed && (step == null || !step.hasChangedWeights())) {
            formerBuffers.restore(net); // a forward pass has changed them
            recognizer.model().restore(formerData);
            recognizer.encoder().setChannelsLast(formerlyChannelsLast);
            recognizer.embedder().to(formerDevice);
        }
    }

    private Validation validation(TrainerArgs args, @Nullable FaceDataset data, BatchLoader.Settings batches) {
        BatchLoader.Settings inOrder =
                batches.withSampler(Validation.samplerFor(recognizer.head())).withJoinsLastOne(false);
        FaceDataset plain = data == null ? null : data.withAugmentations(List.of());
        return new Validation(
                args.evaluation(),
                args.listeners(),
                this::isToStopEmbedding,
                net,
                forward,
                ranks,
                (faces, done) -> unlessStopped(
                        done, true, passed -> recognizer.embedder().embed(faces, false, passed, loading.badImages())),
                plain == null
                        ? null
                        : new BatchLoader(plain, inOrder, device, optimization.channelsLast(), ranks.share()),
                plain == null ? 0 : plain.size());
    }

    private TrainingDescription description(TrainerArgs args, FaceDataset train, @Nullable FaceDataset validationData) {
        return new TrainingDescription(
                optimization,
                loading,
                args.evaluation(),
                ModelFiles.description(recognizer.model(), recognizer.head()),
                train,
                validationData,
                args.parallel());
    }

    /** Finds out before the first epoch, not in its last step, whether a batch of one image can be trained on. */
    private void requireTrainableBatches() {
        if ((ranks.seesWholeBatches() ? trainLoader.smallestBatch() : trainLoader.smallestShare()) == 1) {
            new OneImageTrial(recognizer.encoder(), recognizer.imageSizePx(), device)
                    .run(
                            net,
                            trainable,
                            optimization.freezer(),
                            epochsToTry(),
                            forward,
                            loading.batchSize(),
                            ranks.share().of());
        }
    }

    /** Returns for how many epochs a freezer is tried beforehand: at most those that the training can reach. */
    private int epochsToTry() {
        long stepsPerEpoch = (trainLoader.batches() - 1L) / optimization.accumulation() + 1;
        long reached = optimization.maxSteps() == 0
                ? optimization.epochs()
                : Math.min(optimization.epochs(), (optimization.maxSteps() - 1) / stepsPerEpoch + 1);
        return (int) Math.min(TrainableParameters.MAX_AHEAD, reached);
    }

    /** Ends a pass over images. */
    private static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /**
     * Returns whether the training is to stop while it embeds images between steps.
     *
     * @throws IllegalStateException when the thread was interrupted
     */
    private boolean isToStopEmbedding() {
        if (Thread.currentThread().isInterrupted()) {
            throw new IllegalStateException(
                    "interrupted while images were embedded" + (step == null ? "" : checkpoints.lastSaved()));
        }
        return stopped.get();
    }

    /**
     * Embeds images, unless the training is to stop meanwhile.
     *
     * @param passed is told the number of images done so far
     * @param canStop whether to stop at all when the training is to; an interrupt ends the pass in any case
     * @param pass tells its argument that number after each batch
     * @return null when the training is to stop
     */
    private DatasetEmbedder.@Nullable Usable unlessStopped(
            IntConsumer passed, boolean canStop, Function<IntConsumer, DatasetEmbedder.Usable> pass) {
        try {
            return pass.apply(done -> {
                passed.accept(done);
                if (isToStopEmbedding() && canStop) {
                    throw new Stopped();
                }
            });
        } catch (Stopped e) {
            return null;
        }
    }

    /**
     * Sets each class center to the mean embedding of the class's training images.
     *
     * @param canStop whether to leave the centers as they are when the training is to stop: one that is resumed before
     *     its first step sets them again
     */
    private List<Double> initializeCenters(FaceDataset train, boolean canStop) {
        FaceDataset plain = train.withAugmentations(List.of());
        IntConsumer passed = done -> listeners.passed("first centers", done, plain.size());
        Embedder embedder = recognizer.embedder();
        Function<IntConsumer, DatasetEmbedder.Usable> pass = done -> featureCache == null
                ? embedder.embed(plain, false, done, loading.badImages())
                : embedder.embed( // fills the cache, in the precision in which the training uses it
                        plain,
                        false,
                        done,
                        loading.badImages(),
                        images -> forward.embed(images).to(ScalarType.Float));
        DatasetEmbedder.Usable embedded = unlessStopped(passed, canStop, pass);
        if (embedded == null) {
            return List.of();
        }
        skippedForCenters.putAll(embedded.reasons());
        MarginSoftmax head = (MarginSoftmax) recognizer.head();
        try (PointerScope scope = new PointerScope()) {
            float[] means = embedded.faces().classMeans(head.classes());
            head.setCenters(Tensor.create(means).reshape(head.classes(), head.embeddingSize()));
        }
        return List.of();
    }

    // ---- the loops ----

    History run() {
        try {
            History history = trainEpochs();
            if (ranks.headShards() != null) {
                optimizer.close(); // its memory is needed for the centers
                ranks.unshardHead();
            }
            return history;
        } catch (LinkageError e) {
            throw NativeErrors.ofLibraries(e, checkpoints.lastSaved());
        }
    }

    private History trainEpochs() {
        checkpoints.loadClasses();
        listeners.report(listener -> listener.started(progress.history()));
        awaitFirst();
        while (progress.epoch < optimization.epochs() && (!isToStop() || isEpochTrained())) {
            trainEpoch();
            if (!isEpochTrained()) { // stopped in its middle
                saveLast();
                break;
            }
            if (validation.isWanted()) {
                saveLast(); // before validation, which can fail
            }
            if (!endEpoch()) {
                break;
            }
        }
        if (progress.step == 0) { // stopped before the first one
            saveLast();
        }
        checkpoints.requireFiniteState(progress);
        return progress.history();
    }

    private void saveLast() {
        checkpoints.saveLast(progress);
        if (checkpointing.folder() != null) {
            awaitFirst();
        }
    }

    private void saveBest() {
        checkpoints.saveBest(progress);
        if (checkpointing.folder() != null) {
            awaitFirst();
        }
    }

    /**
     * Waits until the first rank has written its file, and its listeners have done what they do on that rank alone,
     * such as sending the file elsewhere. However long that takes, it must not count as time in a common operation.
     */
    private void awaitFirst() {
        ranks.onFirst(() -> List.of());
    }

    private boolean isToStop() {
        return ranks.any(stopped.get()) || (optimization.maxSteps() > 0 && progress.step >= optimization.maxSteps());
    }

    private boolean isEpochTrained() {
        return progress.batch == trainLoader.batches();
    }

    private void trainEpoch() {
        Libtorch.keepCacheFolder();
        ranks.align(net); // processors of unlike machines round differently
        net.train(true);
        trainable.freeze(optimization.freezer(), progress.epoch);
        long start = System.nanoTime();
        double before = progress.trainSeconds;
        long averaged = progress.step; // a resumed training has statistics that are averaged, and rounded, already
        try (BatchLoader.Epoch epoch = trainLoader.epoch(progress.epoch, progress.batch)) {
            while (epoch.hasNext() && !isToStop()) {
                step(epoch);
                progress.trainSeconds = before + seconds(start);
                if (checkpointing.everySteps() > 0 && progress.step % checkpointing.everySteps() == 0) {
                    ranks.averageStatistics();
                    averaged = progress.step;
                    saveLast();
                }
            }
        }
        if (progress.step != averaged) {
            ranks.averageStatistics();
        }
    }

    private void step(BatchLoader.Epoch epoch) {
        if (Thread.currentThread().isInterrupted()) {
            throw new IllegalStateException("interrupted before step " + (progress.step + 1) + checkpoints.lastSaved());
        }
        warmUpMargin(progress.batch);
        int batches = Math.min(optimization.accumulation(), trainLoader.batches() - progress.batch);
        double learningRate = learningRate(progress.step);
        Divergence.Where where =
                new Divergence.Where(progress.epoch + 1, progress.step + 1, learningRate, checkpoints.lastSaved());
        TrainStep.Result result = Objects.requireNonNull(step).run(epoch, batches, learningRate, progress, where);
        formerBuffers.close(); // not needed after a change of weights, and large with some heads
        recognizer.model().forgetMeasurements(); // of a listener, with the weights before this step
        progress.step++;
        progress.waitSeconds += result.waitSeconds();
        progress.lastLoss = result.loss();
        if (progress.step == 1) {
            progress.firstLoss = progress.lastLoss;
        }
        StepReport report =
                progress.stepReport(optimization.epochs(), trainLoader.batches(), batches, learningRate, result);
        listeners.report(listener -> listener.stepped(report));
        neighbors.afterStep().ifPresent(listeners::note);
    }

    /** @param batch of the running epoch, with which the step begins */
    private void warmUpMargin(int batch) {
        marginWarmup.apply(progress.epoch + (double) batch / trainLoader.batches());
    }

    private int firstBatchOfLastStep() {
        return (trainLoader.batches() - 1) / optimization.accumulation() * optimization.accumulation();
    }

    private double learningRate(long step) {
        long time = optimization.scheduleUnit() == ScheduleUnit.EPOCH ? progress.epoch : step;
        double rate = optimization.learningRate().at(optimization.optimizer().learningRate(), time);
        if (!(rate >= 0 && Double.isFinite(rate))) {
            throw new IllegalStateException("learning rate must be finite and at least 0, but the schedule \""
                    + optimization.learningRate() + "\" gives " + rate + " at step " + (step + 1)
                    + "; no weight was changed by it");
        }
        return rate;
    }

    /**
     * Validates and reports.
     *
     * @return false if the training is to stop: when it is resumed, it validates again
     */
    private boolean endEpoch() {
        Libtorch.keepCacheFolder();
        long start = System.nanoTime();
        warmUpMargin(firstBatchOfLastStep()); // validation has the margin of the epoch's last step
        Validation.Result validated = validation.run();
        if (validated == null) {
            return false;
        }
        EpochReport report = new EpochReport(
                progress.epoch + 1,
                progress.step,
                progress.lossSum / progress.samples,
                progress.scoreSum / progress.samples,
                validated.loss(),
                validated.score(),
                learningRate(progress.step - 1),
                progress.samples / progress.trainSeconds,
                progress.waitSeconds / progress.trainSeconds,
                progress.trainSeconds + seconds(start),
                validated.unseen());
        progress.epochs.add(report);
        reportSkipped();
        progress.nextEpoch();
        BestBy bestBy = validation.bestBy();
        double measure = bestBy == null ? Double.POSITIVE_INFINITY : report.figure(bestBy);
        if (bestBy == null || measure > progress.bestScore) { // without a measure each epoch is the best so far
            progress.bestScore = measure;
            saveBest();
        }
        saveLast();
        History soFar = progress.history();
        listeners.report(listener -> listener.epochEnded(report, soFar));
        awaitFirst();
        return true;
    }

    private void reportSkipped() {
        Map<String, String> skipped = trainLoader.skipped();
        skipped.putAll(validation.skipped());
        skipped.putAll(skippedForCenters);
        listeners.skipped(ranks.any(!skipped.isEmpty()) ? ranks.union(skipped) : skipped);
    }

    private static double seconds(long startNanos) {
        return (System.nanoTime() - startNanos) / 1e9;
    }

    /**
     * Closes what is open and leaves the recognizer ready for use; without a step that changed it, as it was before.
     */
    @Override
    public void close() {
        resources.close();
    }
}
