package org.facerecognition;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.FrozenMemory;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Sampler;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.Roc;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.losses.Autocast;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.Margin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.losses.NonFinite;
import org.facerecognition.train.BatchLook;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.EpochReport.Unseen;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.History;
import org.facerecognition.train.NonFiniteLossException;
import org.facerecognition.train.ParameterGroup;
import org.facerecognition.train.ParameterOptimizer;
import org.facerecognition.train.RankScore;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.facerecognition.weights.NamedTensors;
import org.jspecify.annotations.Nullable;

/** One call of {@link Trainer#fit}: the loops, and what they need open. */
final class TrainingRun implements AutoCloseable {
    private static final String ENCODER = "encoder."; // its parameters' names begin so
    private static final String HEAD = "head.";
    private static final double UNSEEN_FAR = 1e-3;
    private static final int VALIDATION_EPOCH = 0; // validation is in the data's order and draws no chance

    private static final int MOST_CULPRITS = 5; // named in a message

    private final TrainerArgs args;
    private final Recognizer recognizer;
    private final Module net;
    private final AtomicBoolean stopped;
    private final Device device;
    private final BatchLoader trainLoader;
    private final BatchLoader validationLoader;
    private final int validationImages;
    private final ParameterOptimizer optimizer;
    private final Backups backups;
    private final TrainingProgress progress;
    private final @Nullable Margin fullMargin;
    private final @Nullable FrozenMemory frozenMemory;
    private int skippedBefore;

    TrainingRun(
            TrainerArgs args, Recognizer recognizer, FaceDataset train, FaceDataset validation, AtomicBoolean stopped) {
        this.args = args;
        this.recognizer = recognizer;
        this.net = recognizer.net();
        this.stopped = stopped;
        this.device = args.device().resolve();
        recognizer.to(device);
        recognizer.encoder().setChannelsLast(args.channelsLast());
        RecognizerModel model = recognizer.model();
        model.trainedOn(train.framing(), train.identities());
        model.setOrigin(model.origin().trainedOn(train.toString()));
        this.frozenMemory = args.frozenMemoryMib() == 0 ? null : frozenMemory();
        this.trainLoader = loader(train, true);
        this.validationLoader = loader(validation, false);
        this.validationImages = validation.size();
        try (PointerScope scope = new PointerScope()) {
            this.optimizer = args.optimizer().over(parameterGroups());
        }
        this.backups = new Backups(args, recognizer, optimizer, train, validation);
        this.progress = backups.resumeOrStart();
        this.fullMargin = recognizer.head() instanceof MarginSoftmax margins ? margins.margin() : null;
        if (args.headFromMeans() && progress.step == 0) {
            headFromMeans(train);
        }
    }

    private FrozenMemory frozenMemory() {
        if (args.freezer() instanceof FreezeBefore freezer && freezer.layer().startsWith(ENCODER)) {
            long bytes = (long) args.frozenMemoryMib() << 20;
            return new FrozenMemory(recognizer.encoder(), freezer.layer().substring(ENCODER.length()), bytes);
        }
        throw new IllegalArgumentException(
                "frozenMemoryMib must go with a freezer that freezes all before a layer of the"
                        + " encoder throughout, but the freezer was "
                        + (args.freezer() == null ? "none" : "\"" + args.freezer() + "\""));
    }

    private void headFromMeans(FaceDataset train) {
        if (!(recognizer.head() instanceof MarginSoftmax head)) {
            throw new IllegalArgumentException("headFromMeans must go with a margin head, but the head is "
                    + recognizer.head().getClass().getSimpleName());
        }
        FaceDataset plain = train.withAugmentations(List.of());
        IntConsumer passed = done -> passed("first centres", done, plain.size());
        Embedded embedded = frozenMemory == null
                ? recognizer.embed(plain, false, passed)
                : recognizer.embed(plain, passed, frozenMemory::embed); // which then knows the pictures
        try (PointerScope scope = new PointerScope()) {
            float[] means = embedded.classMeans(head.classes());
            head.setCentres(Tensor.create(means).reshape(head.classes(), head.embeddingSize()));
        }
    }

    private BatchLoader loader(FaceDataset data, boolean training) {
        var settings = new BatchLoader.Settings(
                args.batchSize(),
                recognizer.imageSizePx(),
                recognizer.normalization(),
                training ? args.sampler() : Sampler.sequential(),
                args.seed(),
                args.loaderThreads(),
                args.badImages(),
                args.cacheMib());
        return new BatchLoader(data, settings, device, args.channelsLast());
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

    History toTheEnd() {
        listeners(listener -> listener.started(progress.history()));
        while (progress.epoch < args.epochs() && !finished()) {
            trainEpoch();
            if (progress.batch < trainLoader.batches()) { // stopped on the way
                backups.saveLast(progress);
                break;
            }
            endEpoch();
        }
        net.eval();
        return progress.history();
    }

    private boolean finished() {
        return stopped.get() || (args.maxSteps() > 0 && progress.step >= args.maxSteps());
    }

    private void trainEpoch() {
        net.train(true);
        if (args.freezer() != null) {
            args.freezer().apply(net, progress.epoch);
        }
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

    /** One optimiser step: the gradients of one or several batches, then the update. */
    private void step(BatchLoader.Epoch epoch) {
        warmMarginUp();
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
        double rate = rate();
        if (args.gradientClip() > 0) {
            optimizer.clipGradients(args.gradientClip());
        }
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

    /** A function of the progress alone, so that a resumed training has the margins it would have had. */
    private void warmMarginUp() {
        if (args.marginWarmupEpochs() > 0 && recognizer.head() instanceof MarginSoftmax head && fullMargin != null) {
            double epochs = progress.epoch + (double) progress.batch / trainLoader.batches();
            head.setMargin(fullMargin.weakened(Math.min(1, epochs / args.marginWarmupEpochs())));
        }
    }

    /** Adds a batch's gradients to what is there; returns its mean loss. */
    private double accumulate(Batch batch, int parts) {
        try (PointerScope scope = new PointerScope()) {
            Tensor labels = batch.labels(); // [B]
            Tensor embeddings = embed(batch.images()); // [B, D]
            Head.Output output = recognizer.head().forward(embeddings, labels);
            double loss = output.loss().item_double();
            if (!Double.isFinite(loss)) {
                throw notFinite(loss, embeddings, batch);
            }
            Tensor part = parts == 1 ? output.loss() : output.loss().div(new Scalar((double) parts));
            part.backward();
            handSampledRowsOver();
            look(embeddings, labels);
            progress.addBatch(loss, score(output, labels), batch.size());
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
    private void handSampledRowsOver() {
        if (recognizer.head() instanceof MarginSoftmax head) {
            head.sampled()
                    .filter(sampled -> sampled.values().grad().defined())
                    .ifPresent(sampled -> optimizer.addRowGradient(
                            HEAD + "weight", sampled.rows(), sampled.values().grad()));
        }
    }

    /** From ranks where the head gives them: a head of very many identities makes no scores unless asked. */
    private double score(Head.Output output, Tensor labels) {
        return args.score() instanceof RankScore score && output.ranks().isPresent()
                ? score.sum(output.ranks().get())
                : args.score().sum(output.scores(), labels);
    }

    /** [B, 3, H, W] to [B, D]. */
    private Tensor embed(Tensor images) {
        try (Autocast precision =
                args.precision() == Precision.BF16 ? Autocast.bfloat16(device.type()) : Autocast.off(device.type())) {
            return frozenMemory == null ? recognizer.encoder().forward(images) : frozenMemory.embed(images);
        }
    }

    private double rate() {
        long at = args.scheduleUnit() == TrainerArgs.ScheduleUnit.EPOCH ? progress.epoch : progress.step;
        return args.learningRate().at(args.optimizer().rate(), at);
    }

    private void endEpoch() {
        double rate = rate();
        long start = System.nanoTime();
        TrainingProgress validation = validate();
        Unseen unseen = args.verification() == null ? null : tellUnseenApart(args.verification());
        EpochReport report = new EpochReport(
                progress.epoch + 1,
                progress.step,
                progress.lossSum / progress.samples,
                progress.scoreSum / progress.samples,
                validation.lossSum / validation.samples,
                validation.scoreSum / validation.samples,
                rate,
                progress.samples / progress.trainSeconds,
                progress.waitSeconds / progress.trainSeconds,
                progress.trainSeconds + seconds(start),
                unseen);
        progress.epochs.add(report);
        tellSkipped();
        progress.nextEpoch();
        double figure = report.figure(args.bestBy());
        boolean best = figure > progress.bestScore;
        if (best) {
            progress.bestScore = figure;
            backups.saveBest(progress);
        }
        backups.saveLast(progress);
        History soFar = progress.history();
        listeners(listener -> listener.epochEnded(report, soFar));
    }

    /** Draws no chance, so that a training is the same with it and without. */
    private Unseen tellUnseenApart(VerificationSet unseen) {
        Roc roc = unseen.verify(faces -> recognizer.embed(faces, false)).roc();
        double far = Math.max(UNSEEN_FAR, 1.0 / roc.differentPairs());
        return new Unseen(roc.auc(), roc.equalErrorRate(), roc.tarAtFar(far), far);
    }

    private void tellSkipped() {
        Map<String, String> skipped = trainLoader.skipped();
        skipped.putAll(validationLoader.skipped());
        if (skipped.size() > skippedBefore) {
            skippedBefore = skipped.size();
            listeners(listener -> listener.skipped(skipped));
        }
    }

    private TrainingProgress validate() {
        net.eval();
        TrainingProgress sums = new TrainingProgress();
        try (BatchLoader.Epoch epoch = validationLoader.epoch(VALIDATION_EPOCH)) {
            while (epoch.hasNext()) {
                try (Batch batch = epoch.next();
                        PointerScope scope = new PointerScope();
                        NoGradGuard noGrad = new NoGradGuard()) {
                    Tensor labels = batch.labels();
                    Head.Output output =
                            NativeErrors.explained(() -> recognizer.head().forward(embed(batch.images()), labels));
                    sums.addBatch(output.loss().item_double(), score(output, labels), batch.size());
                }
                passed("validation", (int) sums.samples, validationImages);
            }
        }
        return sums;
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

    private NonFiniteLossException notFinite(double loss, Tensor embeddings, Batch batch) {
        return new NonFiniteLossException("loss must stay finite, but was " + loss + " in epoch " + (progress.epoch + 1)
                + ", step " + (progress.step + 1) + ", at rate " + rate() + "; " + culprits(embeddings, batch)
                + "; try a lower rate, gradient clipping, a smaller s or m, or precision fp32"
                + backups.lastKept());
    }

    /** Of few samples the names; when all are bad, it is the net. */
    private String culprits(Tensor embeddings, Batch batch) {
        List<Integer> rows = NonFinite.rows(embeddings);
        if (rows.isEmpty()) {
            return "all embeddings of the batch are finite";
        }
        if (rows.size() == batch.size()) {
            return "no embedding of the batch is finite";
        }
        List<String> names = trainLoader.names(progress.epoch, batch.index());
        return "not finite are the embeddings of "
                + rows.stream()
                        .limit(MOST_CULPRITS)
                        .map(row -> "row " + row + " (" + names.get(row) + ")")
                        .collect(Collectors.joining(", "))
                + (rows.size() > MOST_CULPRITS ? " and " + (rows.size() - MOST_CULPRITS) + " more" : "");
    }

    private void listeners(Consumer<TrainingListener> call) {
        args.listeners().forEach(call);
    }

    private static double seconds(long startNanos) {
        return (System.nanoTime() - startNanos) / 1e9;
    }

    @Override
    public void close() {
        net.eval();
        if (recognizer.head() instanceof MarginSoftmax head && fullMargin != null) {
            head.setMargin(fullMargin);
        }
        if (frozenMemory != null) {
            frozenMemory.close();
        }
        trainLoader.close();
        validationLoader.close();
        optimizer.close();
        device.close();
    }
}
