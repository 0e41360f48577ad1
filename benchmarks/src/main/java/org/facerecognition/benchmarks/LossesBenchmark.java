package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.augment.Transform;
import org.facerecognition.augment.TransformLine;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.FaceDataset.ByIdentity;
import org.facerecognition.data.Sampler;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Roc;
import org.facerecognition.eval.Verification;
import org.facerecognition.losses.LossName;
import org.facerecognition.natives.Processors;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.History;
import org.facerecognition.train.LearningRate;
import org.jspecify.annotations.Nullable;

/**
 * Trains each loss with its paper's settings on few people, from the same seed, and verifies people whom the network
 * has never seen.
 *
 * <p>Data: synthetic faces (30 people for training, 30 others for verification) and, if its folder is given, the
 * AT&amp;T (ORL) data set. ORL's 40 people are split four times into 30 for training and 10 for verification, so that
 * each person is unseen once; the result is the mean of the four. Every person has ten images of 32 pixels. The network
 * is a ResNet-18. The benchmark shows that each loss learns features that generalize to unseen people; it does not rank
 * the losses for large data sets.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar losses [ORL_DIR [LOSS ...]]}; by default all losses on
 * synthetic faces. With ORL, each loss is trained five times. Each loss has a process of its own with one thread, so
 * that the figures do not depend on the number of processors; as many run at once as there are processors.
 */
final class LossesBenchmark {
    private static final String ONE = "one"; // in place of ORL_DIR, with the loss and ORL_DIR
    private static final int SIZE_PX = 32;
    private static final int PEOPLE = 30;
    private static final int IMAGES_PER_PERSON = 10;
    private static final int FOLDS = 4; // each person of ORL is unseen in one of them
    private static final int EPOCHS = 20;
    private static final int PEOPLE_PER_BATCH = 8;
    private static final int IMAGES_PER_PERSON_IN_BATCH = 4;
    private static final List<Transform> FLIP = TransformLine.parse("RandomHorizontalFlip()");
    private static final long SEED = 0;

    private LossesBenchmark() {}

    /** Runs the benchmark and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        if (args.length > 1 && args[0].equals(ONE)) { // in a child process
            System.out.println(row(LossName.of(args[1]), data(args.length > 2 ? args[2] : null)));
            return;
        }
        String orl = args.length > 0 ? args[0] : null;
        Map<String, List<ByIdentity>> data = data(orl);
        List<LossName> losses = args.length > 1
                ? Arrays.stream(args)
                        .skip(1)
                        .map(word -> Arguments.oneOf(LossName.values(), LossName::toString, "LOSS", word))
                        .toList()
                : List.of(LossName.values());
        StringBuilder table = new StringBuilder("\n| AUC (equal error rate) on unseen people |");
        data.keySet().forEach(name -> table.append(' ').append(name).append(" |"));
        table.append("\n|---|").append("---|".repeat(data.size())).append("\n| untrained |");
        data.forEach((name, splits) -> table.append(cell(
                "untrained",
                name,
                splits.stream().map(LossesBenchmark::untrained).toList())));
        ExecutorService processes = Executors.newFixedThreadPool(Processors.count());
        try {
            List<Future<String>> rows = losses.stream()
                    .map(loss -> processes.submit(() -> rowOfProcess(loss, orl)))
                    .toList();
            for (Future<String> row : rows) {
                table.append('\n').append(row.get());
            }
        } catch (ExecutionException e) {
            throw new IOException(Objects.requireNonNull(e.getCause(), "cause").getMessage(), e);
        } finally {
            processes.shutdownNow();
        }
        System.out.println(table);
    }

    /** Trains one loss in a process of its own, and returns its row of the table. */
    private static String rowOfProcess(LossName loss, @Nullable String orl) throws IOException {
        List<String> command = Child.javaCommand(Main.class);
        command.addAll(1, Child.optionsOfThisProcess());
        command.add(1, "-D" + Processors.PROPERTY + "=1");
        command.addAll(List.of("losses", ONE, loss.toString()));
        Optional.ofNullable(orl).ifPresent(command::add);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        String row = "";
        try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                if (line.startsWith("|")) {
                    row = line;
                } else {
                    System.out.println(line);
                }
            }
        }
        int status = process.onExit().join().exitValue();
        if (status != 0) {
            throw new IOException("the training with " + loss + " ended with status " + status);
        }
        return row;
    }

    private static String row(LossName loss, Map<String, List<ByIdentity>> data) {
        StringBuilder row = new StringBuilder("| `" + loss + "` |");
        data.forEach((name, splits) -> row.append(cell(
                loss.toString(),
                name,
                splits.stream().map(faces -> trained(loss, faces)).toList())));
        return row.toString();
    }

    private static Map<String, List<ByIdentity>> data(@Nullable String orl) {
        Map<String, List<ByIdentity>> data = new LinkedHashMap<>();
        data.put("synthetic faces", List.of(syntheticFaces()));
        if (orl != null) {
            data.put("ORL", folds(FaceDataset.folders(Path.of(orl), Split.TRAIN, 0, 0, SEED)));
        }
        return data;
    }

    private static List<ByIdentity> folds(FaceDataset faces) {
        List<String> names = new ArrayList<>(faces.identities());
        Collections.shuffle(names, new Random(SEED));
        return IntStream.range(0, FOLDS)
                .mapToObj(fold -> names.subList(names.size() * fold / FOLDS, names.size() * (fold + 1) / FOLDS))
                .map(unseen -> new ByIdentity(
                        faces.withIdentities(names.stream()
                                .filter(name -> !unseen.contains(name))
                                .toList()),
                        faces.withIdentities(unseen)))
                .toList();
    }

    private static ByIdentity syntheticFaces() {
        SyntheticFaces faces = new SyntheticFaces(SEED, SIZE_PX);
        return new ByIdentity(
                FaceDataset.synthetic(faces.identities(0, PEOPLE).images(0, IMAGES_PER_PERSON), Split.TRAIN),
                FaceDataset.synthetic(faces.identities(PEOPLE, 2 * PEOPLE).images(0, IMAGES_PER_PERSON), Split.TEST));
    }

    private static RecognizerArgs args(int classes) {
        return RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(64)
                .classes(classes)
                .imageSizePx(SIZE_PX)
                .seed(SEED)
                .build();
    }

    private static Roc untrained(ByIdentity faces) {
        try (Recognizer recognizer = Recognizer.crossEntropy(args(faces.seen().classes()))) {
            return verify(recognizer, faces.unseen());
        }
    }

    private static Roc trained(LossName loss, ByIdentity faces) {
        try (Recognizer recognizer = Recognizer.withLoss(loss, args(faces.seen().classes()))) {
            History history = new Trainer(TrainerArgs.builder()
                            .optimizer(new AdamW(1e-3, 0.05))
                            .learningRate(LearningRate.cosine(EPOCHS, 1e-5))
                            .marginWarmupEpochs(EPOCHS / 2)
                            .sampler(Sampler.identities(PEOPLE_PER_BATCH, IMAGES_PER_PERSON_IN_BATCH))
                            .batchSize(PEOPLE_PER_BATCH * IMAGES_PER_PERSON_IN_BATCH)
                            .epochs(EPOCHS)
                            .gradientClip(5)
                            .seed(SEED)
                            .build())
                    .fit(
                            recognizer,
                            faces.seen().withAugmentations(FLIP, true),
                            faces.seen().withAtMost(1));
            List<Double> losses = new ArrayList<>();
            history.epochs().forEach(epoch -> losses.add(epoch.trainLoss()));
            if (losses.stream().anyMatch(value -> !Double.isFinite(value))) {
                throw new IllegalStateException(
                        "training with " + loss + " diverged; the losses of its epochs are " + losses);
            }
            return verify(recognizer, faces.unseen());
        }
    }

    private static Roc verify(Recognizer recognizer, FaceDataset unseen) {
        return Verification.ofAllPairs(recognizer.embed(unseen, true)).roc();
    }

    /** Prints the results of all splits and returns a cell of the table with their means. */
    private static String cell(String loss, String data, List<Roc> splits) {
        double auc = splits.stream().mapToDouble(Roc::auc).average().orElseThrow();
        double equalErrorRate =
                splits.stream().mapToDouble(Roc::equalErrorRate).average().orElseThrow();
        System.out.printf(
                "%-20s %-15s AUC %.4f, EER %.3f: %s%n",
                loss,
                data,
                auc,
                equalErrorRate,
                splits.stream().map(roc -> "%.3f".formatted(roc.auc())).collect(Collectors.joining(", ")));
        return String.format(" %.4f (%.3f) |", auc, equalErrorRate);
    }
}
