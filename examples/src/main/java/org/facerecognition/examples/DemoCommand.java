package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Sample;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Verification;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.History;
import org.facerecognition.train.LearningRate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code demo}: a complete training on synthetic faces, with nothing to download. Trains on some synthetic people, then
 * verifies other synthetic people whom the network has not seen.
 */
@Command(
        name = "demo",
        description = {
            "Train on synthetic faces and verify synthetic people whom the network has not seen.",
            "It takes under 3 minutes on two cores."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class DemoCommand implements Callable<Integer> {
    private static final int IMAGE_PX = 64;
    private static final int TRAIN_IMAGES = 20;
    private static final int VAL_IMAGES = 5;
    private static final int UNSEEN_IMAGES = 5;

    @Spec
    private CommandSpec spec;

    @Option(names = "--out", defaultValue = "face-demo", paramLabel = "DIR", description = "Folder for the results.")
    private Path out;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the synthetic people and of the training.")
    private long seed;

    @Option(
            names = "--people",
            paramLabel = "N",
            defaultValue = "40",
            description = "Number of people to train on; as many others are verified.")
    private int people;

    @Option(names = "--epochs", paramLabel = "N", defaultValue = "10", description = "Passes over their images.")
    private int epochs;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        SyntheticFaces faces = new SyntheticFaces(seed, IMAGE_PX);
        FaceDataset train = FaceDataset.synthetic(faces.identities(0, people).images(0, TRAIN_IMAGES), Split.TRAIN);
        FaceDataset validation = FaceDataset.synthetic(
                faces.identities(0, people).images(TRAIN_IMAGES, TRAIN_IMAGES + VAL_IMAGES), Split.VAL);
        FaceDataset unseen =
                FaceDataset.synthetic(faces.identities(people, 2 * people).images(0, UNSEEN_IMAGES), Split.TEST);
        PrintWriter err = spec.commandLine().getErr();
        err.println("These faces are synthetic: they show no real person, and results on them say nothing about real"
                + " faces.");
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(128)
                .classes(people)
                .s(10)
                .m(0.2)
                .imageSizePx(IMAGE_PX)
                .seed(seed)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            History history = train(recognizer, train, validation, err);
            Verification verification = verify(recognizer, unseen);
            double auc = verification.roc().auc();
            Path report = out.resolve("report.html");
            TrainingReport.of("Demonstration on synthetic faces", history, Json.pretty(args))
                    .similarities(verification)
                    .faces(faces, people)
                    .write(report);
            recognizer.save(out.resolve("demo.model"));
            PrintWriter standard = spec.commandLine().getOut();
            (json ? err : standard)
                    .printf(
                            Locale.ROOT,
                            "accuracy on new images of the people trained on: %.4f%n"
                                    + "verification AUC on %d people not trained on: %.4f%nreport: %s%n",
                            history.last().orElseThrow().valAccuracy(),
                            people,
                            auc,
                            report);
            if (json) {
                Map<String, @Nullable Object> figures = Json.of(history);
                figures.put("unseen_auc", auc);
                standard.println(Json.line(figures));
            }
        }
        return 0;
    }

    private History train(Recognizer recognizer, FaceDataset train, FaceDataset validation, PrintWriter err) {
        TrainerArgs.Builder trainer = TrainerArgs.builder()
                .optimizer(new AdamW(1e-3, 0.05))
                .learningRate(LearningRate.cosine(epochs, 1e-5).withWarmup(1, 0.3))
                .batchSize(32)
                .epochs(epochs)
                .seed(seed);
        return new TrainingSession(out, err, Json.pretty(recognizer.toString()))
                .run(recognizer, trainer, train, validation);
    }

    /** Verifies all pairs of images of people who are not in the training. */
    private static Verification verify(Recognizer recognizer, FaceDataset unseen) {
        List<float[]> embeddings = new ArrayList<>();
        int[] labels = new int[unseen.size()];
        for (int i = 0; i < unseen.size(); i++) {
            Sample sample = unseen.sample(i);
            try (Mat image = sample.image().read()) {
                embeddings.add(recognizer.embed(image));
            }
            labels[i] = sample.label();
        }
        return Verification.ofAllPairs(embeddings.toArray(new float[0][]), labels);
    }
}
