package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.Recognizer;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.ClosedSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code evaluate}: how good is a model? */
@Command(
        name = "evaluate",
        description =
                "Measure a model: closed-set gives each validation and test face to the person whose mean training"
                        + " embedding is nearest.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class EvaluateCommand implements Callable<Integer> {
    enum Protocol {
        CLOSED_SET;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    @Spec
    private CommandSpec spec;

    @Option(names = "--protocol", defaultValue = "closed-set", description = "closed-set.")
    private Protocol protocol;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DataOptions data = new DataOptions();

    @Option(names = "--no-flip", description = "Embed each picture as it is only, not its mirror image too.")
    private boolean noFlip;

    @Option(names = "--seed", defaultValue = "0", description = "Of the split of folders, as in training.")
    private long seed;

    @Option(
            names = "--calibrate",
            paramLabel = "FILE",
            description =
                    "Also find thresholds for \"the same person\" on the validation faces, and write the model with"
                            + " them to this file.")
    private @Nullable Path calibrated;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("protocol", protocol.toString());
        try (Recognizer recognizer = model.load()) {
            PrintWriter err = spec.commandLine().getErr();
            FaceDataset train = data.read(Split.TRAIN, seed);
            err.println(recognizer);
            err.println("known by: " + train);
            ClosedSet people = ClosedSet.of(recognizer.embed(train, !noFlip));
            measure(figures, "val_accuracy", Split.VAL, recognizer, people);
            if (data.hasTest()) {
                measure(figures, "test_accuracy", Split.TEST, recognizer, people);
            }
            if (calibrated != null) {
                Map<Double, Double> thresholds = recognizer.calibrate(data.read(Split.VAL, seed), !noFlip);
                thresholds.forEach((far, cosine) ->
                        err.printf(Locale.ROOT, "same person from cosine %.4f: FAR %s%n", cosine, far));
                figures.put("thresholds", thresholds);
                recognizer.save(calibrated);
            }
        }
        if (json) {
            spec.commandLine().getOut().println(Json.line(figures));
        }
        return 0;
    }

    private void measure(
            Map<String, Object> figures, String name, Split split, Recognizer recognizer, ClosedSet people) {
        FaceDataset faces = data.read(split, seed);
        double accuracy = people.accuracy(recognizer.embed(faces, !noFlip));
        figures.put(name, accuracy);
        spec.commandLine().getErr().printf(Locale.ROOT, "%s: %.4f of %,d faces%n", name, accuracy, faces.size());
    }
}
