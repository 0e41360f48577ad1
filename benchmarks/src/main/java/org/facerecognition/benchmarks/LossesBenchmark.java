package org.facerecognition.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
import org.facerecognition.data.SyntheticFaces;
import org.facerecognition.eval.Roc;
import org.facerecognition.eval.Verification;
import org.facerecognition.losses.LossName;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.History;
import org.facerecognition.train.LearningRate;

/**
 * Each loss with its paper's settings, trained alike from one seed on few people, and how well people that it has never seen
 * are told apart afterwards: on drawn faces (30 people learnt, 30 others told apart), and on the AT&amp;T (ORL) faces where
 * their folder is named (30 and 10). Ten pictures of each at 32 pixels, ResNet-18: to see that each loss learns what carries
 * over to others; a ranking for large data it is not.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar losses [ORL_DIR [LOSS ...]]}; some two minutes for each loss.
 */
final class LossesBenchmark {
    private static final int SIZE_PX = 32;
    private static final int PEOPLE = 30;
    private static final int IMAGES_EACH = 10;
    private static final double UNSEEN_SHARE = 0.25; // of ORL's 40 people
    private static final int EPOCHS = 20;
    private static final int PEOPLE_IN_BATCH = 8;
    private static final int IMAGES_OF_EACH = 4;
    private static final List<Transform> FLIP = TransformLine.parse("RandomHorizontalFlip()");
    private static final long SEED = 0;

    private LossesBenchmark() {}

    /** Runs it and prints a table. */
    static void run(String[] args) {
        Map<String, ByIdentity> data = new LinkedHashMap<>();
        data.put("drawn faces", drawn());
        if (args.length > 0) {
            FaceDataset orl = FaceDataset.folders(Path.of(args[0]), Split.TRAIN, 0, 0, SEED);
            data.put("ORL", orl.byIdentity(UNSEEN_SHARE, SEED));
        }
        List<LossName> losses =
                args.length > 1 ? Arrays.stream(args).skip(1).map(LossName::of).toList() : List.of(LossName.values());
        StringBuilder table = new StringBuilder("\n| AUC (equal error rate) on people never seen |");
        data.keySet().forEach(name -> table.append(' ').append(name).append(" |"));
        table.append("\n|---|").append("---|".repeat(data.size())).append("\n| untrained |");
        data.values().forEach(faces -> table.append(cell(untrained(faces))));
        for (LossName loss : losses) {
            table.append("\n| `").append(loss).append("` |");
            data.forEach((name, faces) -> {
                Roc roc = trained(loss, faces);
                System.out.printf("%-20s %-12s AUC %.4f%n", loss, name, roc.auc());
                table.append(cell(roc));
            });
        }
        System.out.println(table);
    }

    private static ByIdentity drawn() {
        SyntheticFaces faces = new SyntheticFaces(SEED, SIZE_PX);
        return new ByIdentity(
                FaceDataset.synthetic(faces, 0, PEOPLE, 0, IMAGES_EACH, Split.TRAIN),
                FaceDataset.synthetic(faces, PEOPLE, PEOPLE, 0, IMAGES_EACH, Split.TEST));
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

    private static String cell(Roc roc) {
        return String.format(" %.4f (%.3f) |", roc.auc(), roc.equalErrorRate());
    }
}
