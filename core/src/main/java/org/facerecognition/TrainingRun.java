package org.facerecognition;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.FrozenFeatureCache;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.eval.DatasetEmbedder;
import org.facerecognition.losses.Margin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.NativeErrors;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.train.Checkpoints;
import org.facerecognition.train.Divergence;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.FolderLock;
import org.facerecognition.train.ForwardPass;
import org.facerecognition.train.History;
import org.facerecognition.train.Loading;
import org.facerecognition.train.OneImageTrial;
import org.facerecognition.train.Optimization;
import org.facerecognition.train.ParameterGroup;
import org.facerecognition.train.ParameterOptimizer;
import org.facerecognition.train.ScheduleUnit;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainableParameters;
import org.facerecognition.train.TrainingChecks;
import org.facerecognition.train.TrainingDescription;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.train.TrainingProgress;
import org.facerecognition.train.Validation;
import org.facerecognition.weights.NamedTensors;
import org.jspecify.annotations.Nullable;

/** One call of {@link Trainer#fit}: the loops, and what they need open. */
final class TrainingRun implements AutoCloseable {
    static final String HEAD = "head."; // its parameters' names begin so
    private static final String ENCODER = "encoder.";

    private final TrainerArgs args;
    private final Optimization optimization;
    private final Loading loading;
    private final Recognizer recognizer;
    private final Module net;
    private final AtomicBoolean stopped;
    private final ModelInfo.TrainedOn formerData;
    private final Device formerDevice;
    private final TrainableParameters trainable;
    private final Deque<Runnable> toClose = new ArrayDeque<>();
    private final Device device;
    private final BatchLoader trainLoader;
    private final ForwardPass forward;
    private final Validation validation;
    private final ParameterOptimizer optimizer;
    private final RandomStream random;
    private final Checkpoints checkpoints;
    private final TrainingProgress progress;
    private final @Nullable Margin fullMargin;
    private final @Nullable FrozenFeatureCache featureCache;
    private final Map<String, String> skippedForCenters = new TreeMap<>();
    private boolean resumed;
    private @Nullable TrainStep step; // null until all is open
    private int skippedBefore;

    /**
     * Opens all that a training needs. When this throws, nothing is open and the recognizer is as it was.
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
        checks.run(args.checkpoints().folder() != null);
        this.args = args;
        this.optimization = args.optimization();
        this.loading = args.loading();
        this.recognizer = recognizer;
        this.net = recognizer.net();
        this.stopped = stopped;
        ModelInfo model = recognizer.model();
        this.formerData = model.trainedOn();
        this.fullMargin = recognizer.head() instanceof MarginSoftmax margins ? margins.margin() : null;
        this.device = closing(optimization.device().resolve());
        this.formerDevice = closing(recognizer.embedder().copyOfDevice());
        this.trainable = new TrainableParameters(net);
        boolean opened = false;
        try {
            if (args.checkpoints().folder() != null) {
                closing(FolderLock.of(args.checkpoints().folder()));
            }
            toClose.push(this::restoreRecognizer);
            recognizer.to(device);
            recognizer.encoder().setChannelsLast(optimization.channelsLast());
            if (!model.thresholds().isEmpty()) {
                note("the model's thresholds hold no more once it is trained: calibrate it again afterwards");
            }
            model.trainedOn(train.crop(), train.identities());
            model.setOrigin(model.origin().trainedOn(train.toString()));
            this.featureCache = checks.featureCache();
            if (featureCache != null) {
                closing(featureCache);
            }
            this.forward = new ForwardPass(
                    recognizer.encoder(),
                    recognizer.head(),
                    model.isOfOwnParts(),
                    device,
                    optimization.precision(),
                    featureCache);
            BatchLoader.Settings batches = batches();
            this.trainLoader = closing(new BatchLoader(train, batches, device, optimization.channelsLast()));
            this.validation = closing(validation(validationData, batches));
            checkSmallestBatch();
            try (PointerScope scope = new PointerScope()) {
                this.optimizer = closing(optimization.optimizer().over(parameterGroups()));
            }
            optimizer.zeroGrad(); // what somebody else has left would be in the first step
            toClose.push(optimizer::zeroGrad);
            this.random = closing(new RandomStream(device, optimization.seed()));
            this.checkpoints = checkpoints(train, validationData);
            this.progress = checkpoints.resumeOrStart();
            this.resumed = checkpoints.isResumed();
            this.step = new TrainStep(
                    trainLoader,
                    forward,
                    optimizer,
                    random,
                    optimization.gradientClip(),
                    args.evaluation().score(),
                    args.listeners());
            checks.notes().forEach(this::note);
            if (trainLoader.lastOneJoins()) {
                note("the last batch of an epoch has " + (loading.batchSize() + 1)
                        + " images: one would be left over, which batch normalization cannot work on alone");
            }
            if (optimization.headFromMeans() && progress.step == 0) {
                headFromMeans(train);
            }
            opened = true;
        } finally {
            if (!opened) {
                close();
            }
        }
    }

    /** Opened last is closed first. */
    private <T extends AutoCloseable> T closing(T resource) {
        toClose.push(() -> {
            try {
                resource.close();
            } catch (Exception e) {
                throw e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
            }
        });
        return resource;
    }

    /** To how it was before the training, apart from what it has learned. */
    private void restoreRecognizer() {
        trainable.restore();
        net.eval();
        if (recognizer.head() instanceof MarginSoftmax head && fullMargin != null) {
            head.setMargin(fullMargin);
        }
        if (!resumed && !(step != null && step.hasChangedWeights())) {
            recognizer.model().restore(formerData);
            recognizer.to(formerDevice);
        }
    }

    /** One image alone must not end a training in the last step of its first epoch. */
    private void checkSmallestBatch() {
        if (trainLoader.smallestBatch() > 1) {
            return;
        }
        try (RandomStream unused = new RandomStream(device, 0)) {
            for (int epoch :
                    new int[] {0, optimization.epochs() - 1}) { // a freezer may let less, or more, learn in the end
                net.train(true);
                trainable.freeze(optimization.freezer(), epoch);
                forward.drawingFrom(unused, () -> {
                    new OneImageTrial(recognizer.encoder(), recognizer.imageSizePx(), device).run(loading.batchSize());
                    return null;
                });
            }
        } finally {
            trainable.restore();
            net.eval();
        }
    }

    private void headFromMeans(FaceDataset train) {
        FaceDataset plain = train.withAugmentations(List.of());
        IntConsumer passed = done -> passed("first centers", done, plain.size());
        DatasetEmbedder.Usable embedded = featureCache == null
                ? recognizer.embedder().embed(plain, false, passed, loading.badImages())
                : recognizer
                        .embedder() // fills the memory, in the precision in which it is used
                        .embed(
                                plain,
                                false,
                                passed,
                                loading.badImages(),
                                images -> forward.embed(images).to(ScalarType.Float));
        skippedForCenters.putAll(embedded.reasons());
        MarginSoftmax head = (MarginSoftmax) recognizer.head();
        try (PointerScope scope = new PointerScope()) {
            float[] means = embedded.faces().classMeans(head.classes());
            head.setCenters(Tensor.create(means).reshape(head.classes(), head.embeddingSize()));
        }
    }

    private Validation validation(@Nullable FaceDataset data, BatchLoader.Settings batches) {
        BatchLoader loader = data == null
                ? null
                : new BatchLoader(
                        data,
                        batches.withSampler(Validation.samplerFor(recognizer.head()))
                                .withJoinsLastOne(false),
                        device,
                        optimization.channelsLast());
        return new Validation(
                args.evaluation(),
                args.listeners(),
                net,
                forward,
                (faces, done) -> recognizer.embedder().embed(faces, false, done, loading.badImages()),
                loader,
                data == null ? 0 : data.size());
    }

    private Checkpoints checkpoints(FaceDataset train, @Nullable FaceDataset validationData) {
        TrainingDescription description = args.checkpoints().folder() == null
                ? null
                : new TrainingDescription(
                        optimization,
                        loading,
                        args.evaluation(),
                        ModelFiles.description(recognizer.model()),
                        train,
                        validationData);
        return new Checkpoints(
                args.checkpoints(), recognizer.inFiles(), optimizer, random, description, args.listeners());
    }

    private BatchLoader.Settings batches() {
        return BatchLoader.Settings.of(recognizer.imageSizePx(), recognizer.normalization())
                .withBatchSize(loading.batchSize())
                .withSampler(loading.sampler())
                .withSeed(optimization.seed())
                .withThreads(loading.loaderThreads())
                .withBadImages(loading.badImages())
                .withImageCacheMib(loading.imageCacheMib())
                .withJoinsLastOne(true);
    }

    private List<ParameterGroup> parameterGroups() {
        List<ParameterGroup> groups = new ArrayList<>();
        groups.addAll(groups(ENCODER, recognizer.encoder(), 1));
        groups.addAll(groups(HEAD, recognizer.head(), optimization.headLrMultiplier()));
        return groups;
    }

    private List<ParameterGroup> groups(String prefix, Module module, double lrMultiplier) {
        Map<String, Tensor> parameters = NamedTensors.parameters(module);
        double decay = optimization.optimizer().weightDecay();
        return ParameterGroup.of(prefix, parameters, lrMultiplier, decay, optimization.decayNormAndBias());
    }

    // ---- the loops ----

    History run() {
        try {
            return epochs();
        } catch (LinkageError e) {
            throw NativeErrors.ofLibraries(e, checkpoints.lastSaved());
        }
    }

    private History epochs() {
        listeners(listener -> listener.started(progress.history()));
        while (progress.epoch < optimization.epochs() && (!finished() || isEpochTrained())) {
            trainEpoch();
            if (!isEpochTrained()) { // stopped on the way
                checkpoints.saveLast(progress);
                break;
            }
            if (validation.isWanted()) {
                checkpoints.saveLast(progress); // before what can fail after it
            }
            endEpoch();
        }
        return progress.history();
    }

    private boolean finished() {
        return stopped.get() || (optimization.maxSteps() > 0 && progress.step >= optimization.maxSteps());
    }

    private boolean isEpochTrained() {
        return progress.batch == trainLoader.batches();
    }

    private void trainEpoch() {
        Libtorch.keepCacheFolder();
        net.train(true);
        trainable.freeze(optimization.freezer(), progress.epoch);
        long start = System.nanoTime();
        double before = progress.trainSeconds;
        try (BatchLoader.Epoch epoch = trainLoader.epoch(progress.epoch, progress.batch)) {
            while (epoch.hasNext() && !finished()) {
                step(epoch);
                progress.trainSeconds = before + seconds(start);
                if (args.checkpoints().everySteps() > 0
                        && progress.step % args.checkpoints().everySteps() == 0) {
                    checkpoints.saveLast(progress);
                }
            }
        }
    }

    private void step(BatchLoader.Epoch epoch) {
        setMarginOf(progress.batch);
        int batches = Math.min(args.optimization().accumulation(), trainLoader.batches() - progress.batch);
        double rate = rateOf(progress.step);
        TrainStep.Result result = step.run(epoch, batches, rate, progress, where());
        progress.step++;
        progress.waitSeconds += result.waitSeconds();
        progress.lastLoss = result.loss();
        if (progress.step == 1) {
            progress.firstLoss = progress.lastLoss;
        }
        report(rate, result);
    }

    /**
     * The margin of the step that begins with a batch of the running epoch: while it is warmed up a function of the
     * place alone, so that a resumed training has the margins it would have had.
     */
    private void setMarginOf(int batch) {
        if (optimization.marginWarmupEpochs() > 0
                && recognizer.head() instanceof MarginSoftmax head
                && fullMargin != null) {
            double epochs = progress.epoch + (double) batch / trainLoader.batches();
            head.setMargin(fullMargin.scaledBy(Math.min(1, epochs / optimization.marginWarmupEpochs())));
        }
    }

    private int firstBatchOfLastStep() {
        return (trainLoader.batches() - 1) / optimization.accumulation() * optimization.accumulation();
    }

    /** Of the running epoch. */
    private double rateOf(long step) {
        long at = optimization.scheduleUnit() == ScheduleUnit.EPOCH ? progress.epoch : step;
        return optimization.learningRate().at(optimization.optimizer().rate(), at);
    }

    private void endEpoch() {
        Libtorch.keepCacheFolder();
        long start = System.nanoTime();
        setMarginOf(firstBatchOfLastStep());
        Validation.Result validated = validation.run();
        EpochReport report = new EpochReport(
                progress.epoch + 1,
                progress.step,
                progress.lossSum / progress.samples,
                progress.scoreSum / progress.samples,
                validated.loss(),
                validated.score(),
                rateOf(progress.step - 1),
                progress.samples / progress.trainSeconds,
                progress.waitSeconds / progress.trainSeconds,
                progress.trainSeconds + seconds(start),
                validated.unseen());
        progress.epochs.add(report);
        reportSkipped();
        progress.nextEpoch();
        BestBy bestBy = validation.bestBy();
        double figure = bestBy == null ? Double.POSITIVE_INFINITY : report.figure(bestBy);
        if (bestBy == null || figure > progress.bestScore) { // without a figure each epoch is the best so far
            progress.bestScore = figure;
            checkpoints.saveBest(progress);
        }
        checkpoints.saveLast(progress);
        History soFar = progress.history();
        listeners(listener -> listener.epochEnded(report, soFar));
    }

    private void reportSkipped() {
        Map<String, String> skipped = trainLoader.skipped();
        skipped.putAll(validation.skipped());
        skipped.putAll(skippedForCenters);
        if (skipped.size() > skippedBefore) {
            skippedBefore = skipped.size();
            listeners(listener -> listener.skipped(skipped));
        }
    }

    // ---- telling ----

    private void passed(String what, int done, int images) {
        listeners(listener -> listener.passed(what, done, images));
    }

    private void report(double rate, TrainStep.Result result) {
        StepReport report = new StepReport(
                progress.epoch + 1,
                optimization.epochs(),
                progress.batch,
                trainLoader.batches(),
                progress.step,
                progress.lastLoss,
                rate,
                result.samples(),
                result.waitSeconds());
        listeners(listener -> listener.stepped(report));
    }

    private Divergence.Where where() {
        return new Divergence.Where(
                progress.epoch + 1, progress.step + 1, rateOf(progress.step), checkpoints.lastSaved());
    }

    private void listeners(Consumer<TrainingListener> call) {
        args.listeners().forEach(call);
    }

    private static double seconds(long startNanos) {
        return (System.nanoTime() - startNanos) / 1e9;
    }

    private void note(String message) {
        listeners(listener -> listener.noted(message));
    }

    /**
     * Closes what is open and leaves the recognizer ready for use; unless it has learned something, as it was before.
     */
    @Override
    public void close() {
        RuntimeException failure = null;
        while (!toClose.isEmpty()) {
            try {
                toClose.pop().run();
            } catch (RuntimeException e) { // the others are closed all the same
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
