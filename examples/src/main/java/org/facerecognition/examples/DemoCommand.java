package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.Checkpoints;
import org.facerecognition.train.History;
import org.facerecognition.train.LearningRate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code demo}: what the library is for, on synthetic faces, with nothing to download. Trains on some synthetic people,
 * calibrates a threshold on others, and verifies and identifies yet others.
 */
@Command(
        name = "demo",
        description = {
            "Train on synthetic faces, then verify and identify synthetic people whom the network has not seen.",
            "It takes 1 to 3 minutes on two cores."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class DemoCommand implements Callable<Integer> {
    private static final int IMAGE_PX = 48;
    private static final int SHOWN_PX = 96; // in the report
    private static final double FAR = 0.01;
    private static final double OPEN_SET_FAR = 0.001; // stricter, since a face is compared with everybody enrolled
    private static final int PEOPLE_WRITTEN = 2;

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
            defaultValue = "120",
            description = "Number of people to train on; a third as many others are verified.")
    private int people;

    @Option(names = "--epochs", paramLabel = "N", defaultValue = "5", description = "Passes over their images.")
    private int epochs;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        if (people < 1 || epochs < 1) {
            throw new IllegalArgumentException(
                    "--people and --epochs must be at least 1, but were " + people + " and " + epochs);
        }
        if (Checkpoints.resumableIn(out) != null) {
            throw new IllegalArgumentException(
                    "--out must be a folder without a training, whose files the demo would replace, but " + out
                            + " holds one; give another folder");
        }
        err.println("These faces are synthetic: they show no real person, and results on them say nothing about real"
                + " faces.");
        DemoPeople demo = new DemoPeople(new SyntheticFaces(seed, IMAGE_PX), people);
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(128)
                .classes(people)
                .s(10)
                .m(0.2)
                .imageSizePx(IMAGE_PX)
                .seed(seed)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args);
                TrainingSession session = new TrainingSession(out, err, Json.pretty(recognizer.toString()))) {
            History history = train(session, recognizer, demo);
            if (history.epochs().size() < epochs) {
                return 0; // stopped, which the session has said: the program is ending
            }
            recognizer.useFlip(true); // as the other commands do by default
            FaceDataset unseen = demo.unseen();
            recognizer.calibrate(
                    demo.calibration(), CalibrationSettings.DEFAULT.withFalseAcceptRates(List.of(FAR, OPEN_SET_FAR)));
            DemoFigures figures = DemoFigures.measure(
                    recognizer, unseen, recognizer.threshold(FAR), recognizer.threshold(OPEN_SET_FAR));
            Path report = out.resolve("report.html");
            TrainingReport.of("Demonstration on synthetic faces", history)
                    .faces(new SyntheticFaces(seed, SHOWN_PX), people)
                    .demo(figures)
                    .details(Json.pretty(args))
                    .write(report);
            Path model = out.resolve("demo.model");
            recognizer.save(model);
            Path images = DemoPeople.write(unseen, PEOPLE_WRITTEN, out.resolve("faces"));
            PrintWriter standard = spec.commandLine().getOut();
            print(json ? err : standard, history, figures, report);
            printNext(json ? err : standard, model, images, unseen.identities());
            if (json) {
                standard.println(Json.line(json(history, figures)));
            }
        }
        return 0;
    }

    private History train(TrainingSession session, Recognizer recognizer, DemoPeople demo) {
        TrainerArgs.Builder trainer = TrainerArgs.builder()
                .optimizer(new AdamW(1e-3, 0.05))
                .learningRate(LearningRate.cosine(epochs, 1e-5).withWarmup(1, 0.3))
                .batchSize(32)
                .epochs(epochs)
                .seed(seed);
        return session.run(recognizer, trainer, demo.train(), demo.validation());
    }

    private void print(PrintWriter to, History history, DemoFigures figures, Path report) {
        to.printf(
                Locale.ROOT,
                "training        %d people, accuracy %.4f on new images of them%n",
                people,
                history.last().orElseThrow().valAccuracy());
        to.printf(
                Locale.ROOT,
                "verification    %.1f %% of %,d genuine and %.2f %% of %,d impostor pairs of other people accepted, AUC"
                        + " %.4f%n"
                        + "                (threshold %.4f, calibrated on a third group of people for a false"
                        + " accept rate of %s %%)%n",
                100 * figures.trueAcceptRate(),
                figures.verification().same().length,
                100 * figures.falseAcceptRate(),
                figures.verification().different().length,
                figures.verification().roc().auc(),
                figures.threshold().cosine(),
                100 * FAR);
        to.printf(
                Locale.ROOT,
                "identification  %d of %d images of %d enrolled people identified, %d of %d images of others taken for"
                        + " one of them%n"
                        + "                (threshold %.4f, calibrated for %s %%)%n",
                figures.identified(),
                figures.mated(),
                figures.enrolled(),
                figures.accepted(),
                figures.nonMated(),
                figures.openSetThreshold().cosine(),
                100 * OPEN_SET_FAR);
        to.println("report          " + report);
    }

    /** Prints three commands to try next. */
    private void printNext(PrintWriter to, Path model, Path images, List<String> names) {
        String program = Main.program();
        Path first = images.resolve(names.get(0));
        Path second = images.resolve(names.get(1));
        to.printf(
                "%ntry next:%n  %s verify --model %s %s %s%n",
                program,
                ShellWord.of(model),
                ShellWord.of(first.resolve("0.png")),
                ShellWord.of(second.resolve("0.png")));
        to.printf(
                "  %s gallery enroll --model %s --gallery %s --folder %s%n",
                program, ShellWord.of(model), ShellWord.of(out.resolve("people.gallery")), ShellWord.of(images));
        to.printf("  %s train --data FOLDER_WITH_ONE_FOLDER_PER_PERSON --out model%n", program);
    }

    private static Map<String, @Nullable Object> json(History history, DemoFigures demo) {
        Map<String, @Nullable Object> figures = Json.of(history);
        figures.put("unseen_auc", demo.verification().roc().auc());
        figures.put("threshold", demo.threshold().cosine());
        figures.put("threshold_far", FAR);
        figures.put("tar", demo.trueAcceptRate());
        figures.put("far", demo.falseAcceptRate());
        figures.put("mated", demo.mated());
        figures.put("identified", demo.identified());
        figures.put("non_mated", demo.nonMated());
        figures.put("non_mated_accepted", demo.accepted());
        return figures;
    }
}
