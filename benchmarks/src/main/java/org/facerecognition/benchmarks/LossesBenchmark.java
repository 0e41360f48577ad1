package org.facerecognition.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
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
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.History;
import org.facerecognition.train.LearningRate;

/**
 * Each loss with its paper's settings, trained alike from one seed on few people, and how well people that it has never seen
 * are told apart afterwards: on drawn faces (30 people learned, 30 others told apart), and on the AT&amp;T (ORL) faces where
 * their folder is named: four times 30 and 10, so that each of its 40 people is once among the unseen, and the mean of the
 * four. Ten images of each at 32 pixels, ResNet-18: to see that each loss learns what carries over to others; a ranking
 * for large data it is not.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar losses [ORL_DIR [LOSS ...]]}; five trainings for each loss.
 */
final class LossesBenchmark {
    private static final int SIZE_PX = 32;
    private static final int PEOPLE = 30;
    private static final int IMAGES_EACH = 10;
    private static final int TURNS = 4; // of ORL's 40 people, each time others are unseen
    private static final int EPOCHS = 20;
    private static final int PEOPLE_IN_BATCH = 8;
    private static final int IMAGES_OF_EACH = 4;
    private static final List<Transform> FLIP = TransformLine.parse("RandomHorizontalFlip()");
    private static final long SEED = 0;

    private LossesBenchmark() {}

    /** Runs it and prints a table. */
    static void run(String[] args) {
        Map<String, List<ByIdentity>> data = new LinkedHashMap<>();
        data.put("drawn faces", List.of(drawn()));
        if (args.length > 0) {
            data.put("ORL", turns(FaceDataset.folders(Path.of(args[0]), Split.TRAIN, 0, 0, SEED)));
        }
        List<LossName> losses =
                args.length > 1 ? Arrays.stream(args).skip(1).map(LossName::of).toList() : List.of(LossName.values());
        StringBuilder table = new StringBuilder("\n| AUC (equal error rate) on people never seen |");
        data.keySet().forEach(name -> table.append(' ').append(name).append(" |"));
        table.append("\n|---|").append("---|".repeat(data.size())).append("\n| untrained |");
        data.forEach((name, splits) -> table.append(cell(
                "untrained",
                name,
                splits.stream().map(LossesBenchmark::untrained).toList())));
        for (LossName loss : losses) {
            table.append("\n| `").append(loss).append("` |");
            data.forEach((name, splits) -> table.append(cell(
                    loss.toString(),
                    name,
                    splits.stream().map(faces -> trained(loss, faces)).toList())));
        }
        System.out.println(table);
    }

    private static List<ByIdentity> turns(FaceDataset faces) {
        List<String> names = new ArrayList<>(faces.identities());
        Collections.shuffle(names, new Random(SEED));
        return IntStream.range(0, TURNS)
                .mapToObj(turn -> names.subList(names.size() * turn / TURNS, names.size() * (turn + 1) / TURNS))
                .map(unseen -> new ByIdentity(
                        faces.withIdentities(names.stream()
                                .filter(name -> !unseen.contains(name))
                                .toList()),
                        faces.withIdentities(unseen)))
                .toList();
    }

    private static ByIdentity drawn() {
        SyntheticFaces faces = new SyntheticFaces(SEED, SIZE_PX);
        return new ByIdentity(
                FaceDataset.synthetic(faces.identities(0, PEOPLE).images(0, IMAGES_EACH), Split.TRAIN),
                FaceDataset.synthetic(faces.identities(PEOPLE, 2 * PEOPLE).images(0, IMAGES_EACH), Split.TEST));
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
                            .sampler(Sampler.identities(PEOPLE_IN_BATCH, IMAGES_OF_EACH))
                            .batchSize(PEOPLE_IN_BATCH * IMAGES_OF_EACH)
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
                throw new IllegalStateException("the loss of " + loss + " must stay finite, but was " + losses);
            }
            return verify(recognizer, faces.unseen());
        }
    }

    private static Roc verify(Recognizer recognizer, FaceDataset unseen) {
        return Verification.ofAllPairs(recognizer.embed(unseen, true)).roc();
    }

    private static String cell(String loss, String data, List<Roc> splits) {
        double auc = splits.stream().mapToDouble(Roc::auc).average().orElseThrow();
        double equalErrorRate =
                splits.stream().mapToDouble(Roc::equalErrorRate).average().orElseThrow();
        System.out.printf(
                "%-20s %-12s AUC %.4f, EER %.3f: %s%n",
                loss,
                data,
                auc,
                equalErrorRate,
                splits.stream().map(roc -> "%.3f".formatted(roc.auc())).collect(Collectors.joining(", ")));
        return String.format(" %.4f (%.3f) |", auc, equalErrorRate);
    }
}
