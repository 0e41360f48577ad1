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
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.FrozenMemory;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.Margin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.train.BatchLook;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.History;
import org.facerecognition.train.ParameterGroup;
import org.facerecognition.train.ParameterOptimizer;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.NamedTensors;
import org.jspecify.annotations.Nullable;

/** One call of {@link Trainer#fit}: the loops, and what they need open. */
final class TrainingRun implements AutoCloseable {
    static final String ENCODER = "encoder."; // its parameters' names begin so
    private static final String HEAD = "head.";

    private final TrainerArgs args;
    private final Recognizer recognizer;
    private final Module net;
    private final AtomicBoolean stopped;
    private final RecognizerModel.TrainedOn formerData;
    private final Device formerDevice;
    private final TrainableParameters trainable;
    private final Deque<Runnable> toClose = new ArrayDeque<>();
    private final Device device;
    private final BatchLoader trainLoader;
    private final ForwardPass forward;
    private final Validation validation;
    private final ParameterOptimizer optimizer;
    private final RandomStream random;
    private final Backups backups;
    private final TrainingProgress progress;
    private final @Nullable Margin fullMargin;
    private final @Nullable FrozenMemory frozenMemory;
    private final Map<String, String> skippedForCenters = new TreeMap<>();
    private boolean learned; // whether the recognizer has anything of this training
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
        TrainingChecks checks = new TrainingChecks(args, recognizer, train, validationData);
        checks.run();
        this.args = args;
        this.recognizer = recognizer;
        this.net = recognizer.net();
        this.stopped = stopped;
        RecognizerModel model = recognizer.model();
        this.formerData = model.trainedOn();
        this.fullMargin = recognizer.head() instanceof MarginSoftmax margins ? margins.margin() : null;
        this.device = closing(args.device().resolve());
        this.formerDevice = closing(recognizer.embedder().copyOfDevice());
        this.trainable = new TrainableParameters(net);
        boolean opened = false;
        try {
            if (args.backup() != null) {
                closing(FolderLock.of(args.backup()));
            }
            toClose.push(this::restoreRecognizer);
            recognizer.to(device);
            recognizer.encoder().setChannelsLast(args.channelsLast());
            if (!model.thresholds().isEmpty()) {
                note("the model's thresholds hold no more once it is trained: calibrate it again afterwards");
            }
            model.trainedOn(train.framing(), train.identities());
            model.setOrigin(model.origin().trainedOn(train.toString()));
            this.frozenMemory = checks.featureCache();
            if (frozenMemory != null) {
                closing(frozenMemory);
            }
            this.forward = new ForwardPass(recognizer, device, args.precision(), frozenMemory);
            BatchLoader.Settings loading = loading();
            this.trainLoader = closing(new BatchLoader(train, loading, device, args.channelsLast()));
            this.validation = closing(new Validation(args, recognizer, forward, loading, validationData, device));
            checkSmallestBatch();
            try (PointerScope scope = new PointerScope()) {
                this.optimizer = closing(args.optimizer().over(parameterGroups()));
            }
            optimizer.zeroGrad(); // what somebody else has left would be in the first step
            toClose.push(optimizer::zeroGrad);
            this.random = closing(new RandomStream(device, args.seed()));
            TrainingDescription description =
                    args.backup() == null ? null : new TrainingDescription(args, recognizer, train, validationData);
            this.backups = new Backups(args, recognizer, optimizer, random, description);
            this.progress = backups.resumeOrStart();
            this.learned = backups.isResumed();
            checks.notes().forEach(this::note);
            if (trainLoader.lastOneJoins()) {
                note("the last batch of an epoch has " + (args.batchSize() + 1)
                        + " images: one would be left over, which batch normalization cannot work on alone");
            }
            if (args.headFromMeans() && progress.step == 0) {
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
        if (!learned) {
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
            for (int epoch : new int[] {0, args.epochs() - 1}) { // a freezer may let less, or more, learn in the end
                net.train(true);
                trainable.freeze(args.freezer(), epoch);
                forward.drawingFrom(unused, () -> {
                    new OneImageTrial(recognizer, device).run(args.batchSize());
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
        IntConsumer passed = done -> passed("first centres", done, plain.size());
        DatasetEmbedder.Usable embedded = frozenMemory == null
                ? recognizer.embedder().embed(plain, false, passed, args.badImages())
                : recognizer
                        .embedder() // fills the memory, in the precision in which it is used
                        .embed(
                                plain,
                                false,
                                passed,
                                args.badImages(),
                                images -> forward.embed(images).to(ScalarType.Float));
        skippedForCenters.putAll(embedded.reasons());
        MarginSoftmax head = (MarginSoftmax) recognizer.head();
        try (PointerScope scope = new PointerScope()) {
            float[] means = embedded.faces().classMeans(head.classes());
            head.setCentres(Tensor.create(means).reshape(head.classes(), head.embeddingSize()));
        }
    }

    private BatchLoader.Settings loading() {
        return new BatchLoader.Settings(
                args.batchSize(),
                recognizer.imageSizePx(),
                recognizer.normalization(),
                args.sampler(),
                args.seed(),
                args.loaderThreads(),
                args.badImages(),
                args.cacheMib(),
                true);
    }

    private List<ParameterGroup> parameterGroups() {
        List<ParameterGroup> groups = new ArrayList<>();
        groups.addAll(groups(ENCODER, recognizer.encoder(), 1));
        groups.addAll(groups(HEAD, recognizer.head(), args.headRateFactor()));
        return groups;
    }

    private List<ParameterGroup> groups(String prefix, Module module, double rateFactor) {
        Map<String, Tensor> parameters = NamedTensors.parameters(module);
        double decay = args.optimizer().weightDecay();
        return ParameterGroup.of(prefix, parameters, rateFactor, decay, args.decayNormAndBias());
    }

    // ---- the loops ----

    History run() {
        try {
            return epochs();
        } catch (LinkageError e) {
            throw NativeErrors.ofLibraries(e, backups.lastKept());
        }
    }

    private History epochs() {
        listeners(listener -> listener.started(progress.history()));
        while (progress.epoch < args.epochs() && (!finished() || isEpochTrained())) {
            trainEpoch();
            if (!isEpochTrained()) { // stopped on the way
                backups.saveLast(progress);
                break;
            }
            if (validation.isWanted()) {
                backups.saveLast(progress); // before what can fail after it
            }
            endEpoch();
        }
        return progress.history();
    }

    private boolean finished() {
        return stopped.get() || (args.maxSteps() > 0 && progress.step >= args.maxSteps());
    }

    private boolean isEpochTrained() {
        return progress.batch == trainLoader.batches();
    }

    private void trainEpoch() {
        Libtorch.keepCacheFolder();
        net.train(true);
        trainable.freeze(args.freezer(), progress.epoch);
        long start = System.nanoTime();
        double before = progress.trainSeconds;
        try (BatchLoader.Epoch epoch = trainLoader.epoch(progress.epoch, progress.batch)) {
            while (epoch.hasNext() && !finished()) {
                step(epoch);
                progress.trainSeconds = before + seconds(start);
                if (args.backupEverySteps() > 0 && progress.step % args.backupEverySteps() == 0) {
                    backups.saveLast(progress);
                }
            }
        }
    }

    /** One optimizer step: the gradients of one or several batches, then the update. */
    private void step(BatchLoader.Epoch epoch) {
        setMarginOf(progress.batch);
        int batches = Math.min(args.accumulation(), trainLoader.batches() - progress.batch);
        double lossSum = 0;
        int samples = 0;
        double waited = 0;
        for (int i = 0; i < batches; i++) {
            long start = System.nanoTime();
            try (Batch batch = epoch.next()) {
                waited += seconds(start);
                double loss = NativeErrors.explained(() -> accumulate(batch, batches));
                lossSum += loss * batch.size();
                samples += batch.size();
            }
        }
        double rate = rateOf(progress.step);
        double norm = args.gradientClip() > 0 ? optimizer.clipGradients(args.gradientClip()) : optimizer.gradientNorm();
        if (!Double.isFinite(norm)) {
            throw Divergence.ofGradients(optimizer.nonFiniteGradients(), lossSum / samples, where());
        }
        learned = true;
        optimizer.step(rate);
        optimizer.zeroGrad();
        progress.step++;
        progress.waitSeconds += waited;
        progress.lastLoss = lossSum / samples;
        if (progress.step == 1) {
            progress.firstLoss = progress.lastLoss;
        }
        report(rate, samples, waited);
    }

    /**
     * The margin of the step that begins with a batch of the running epoch: while it is warmed up a function of the
     * place alone, so that a resumed training has the margins it would have had.
     */
    private void setMarginOf(int batch) {
        if (args.marginWarmupEpochs() > 0 && recognizer.head() instanceof MarginSoftmax head && fullMargin != null) {
            double epochs = progress.epoch + (double) batch / trainLoader.batches();
            head.setMargin(fullMargin.weakened(Math.min(1, epochs / args.marginWarmupEpochs())));
        }
    }

    private int firstBatchOfLastStep() {
        return (trainLoader.batches() - 1) / args.accumulation() * args.accumulation();
    }

    /** Adds a batch's gradients to what is there; returns its mean loss. */
    private double accumulate(Batch batch, int parts) {
        try (PointerScope scope = new PointerScope()) {
            Tensor labels = batch.labels(); // [B]
            Tensor images = batch.images(); // [B, 3, H, W]
            ForwardPass.Result result = forward.training(images, labels, random);
            Tensor embeddings = result.embeddings(); // [B, D]
            Head.Output output = result.output();
            double loss = output.loss().item_double();
            if (!Double.isFinite(loss)) {
                throw Divergence.ofLoss(loss, embeddings, trainLoader.names(progress.epoch, batch.index()), where());
            }
            Tensor part = parts == 1 ? output.loss() : output.loss().div(new Scalar((double) parts));
            part.backward();
            addSampledRowGradients();
            look(embeddings, labels);
            progress.addBatch(loss, ForwardPass.score(args.score(), output, labels), batch.size());
            return loss;
        }
    }

    private void look(Tensor embeddings, Tensor labels) {
        if (args.listeners().stream().anyMatch(TrainingListener::looksInside)) {
            BatchLook look = InsideLook.of(recognizer.head(), embeddings, labels);
            listeners(listener -> {
                if (listener.looksInside()) {
                    listener.looked(look);
                }
            });
        }
    }

    /** Of Partial FC, whose centres have a gradient by rows. */
    private void addSampledRowGradients() {
        if (recognizer.head() instanceof MarginSoftmax head) {
            head.sampled()
                    .filter(sampled -> sampled.values().grad().defined())
                    .ifPresent(sampled -> optimizer.addRowGradient(
                            HEAD + "weight", sampled.rows(), sampled.values().grad()));
        }
    }

    /** Of the running epoch. */
    private double rateOf(long step) {
        long at = args.scheduleUnit() == TrainerArgs.ScheduleUnit.EPOCH ? progress.epoch : step;
        return args.learningRate().at(args.optimizer().rate(), at);
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
            backups.saveBest(progress);
        }
        backups.saveLast(progress);
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

    private void report(double rate, int samples, double waitSeconds) {
        StepReport report = new StepReport(
                progress.epoch + 1,
                args.epochs(),
                progress.batch,
                trainLoader.batches(),
                progress.step,
                progress.lastLoss,
                rate,
                samples,
                waitSeconds);
        listeners(listener -> listener.stepped(report));
    }

    private Divergence.Where where() {
        return new Divergence.Where(progress.epoch + 1, progress.step + 1, rateOf(progress.step), backups.lastKept());
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
