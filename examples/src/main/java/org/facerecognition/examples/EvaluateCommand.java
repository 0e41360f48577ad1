package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.facerecognition.Recognizer;
import org.facerecognition.data.Split;
import org.facerecognition.eval.EvaluationReport;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code evaluate}: how good is a model? */
@Command(
        name = "evaluate",
        description =
                "Measure a model. Protocols: closed-set (whom does each face show, of people that are all known), open-set"
                        + " (the same with strangers), all-pairs (same person or not, each face with each), lfw (pairs.txt, 10 folds),"
                        + " view1 (pairsDevTest.txt), pairs (a list: image TAB image TAB 1 or 0), bin (insightface's files), celeba-ir"
                        + " (TPR at FPR with distractors). Prints one figure a line on standard output.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class EvaluateCommand implements Callable<Integer> {
    enum Protocol {
        CLOSED_SET(ClosedSetProtocol::new),
        OPEN_SET(OpenSetProtocol::new),
        ALL_PAIRS(AllPairsProtocol::new),
        LFW(PairsProtocol::lfw),
        VIEW1(View1Protocol::new),
        PAIRS(PairsProtocol::list),
        BIN(PairsProtocol::bin),
        CELEBA_IR(CelebaIrProtocol::new);

        private final Supplier<EvaluationProtocol> maker;

        Protocol(Supplier<EvaluationProtocol> maker) {
            this.maker = maker;
        }

        /** Whether the data has a training and a validation part. */
        boolean readsParts() {
            return this == CLOSED_SET || this == OPEN_SET || this == ALL_PAIRS;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--protocol",
            defaultValue = "closed-set",
            description = "One of ${COMPLETION-CANDIDATES}; see above.")
    private Protocol protocol;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DataOptions data = new DataOptions();

    @Option(
            names = "--pairs",
            paramLabel = "FILE",
            description = "List of pairs. Default: pairs.txt, pairsDevTest.txt or pairs.tsv in --data.")
    private @Nullable Path pairs;

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Option(
            names = "--unseen",
            defaultValue = "0",
            paramLabel = "FRACTION",
            description =
                    "all-pairs: only the people that train --verify-on-unseen FRACTION with the same --seed left out;"
                            + " open-set: the share of people who are strangers, 0 for 0.2.")
    private double unseen;

    @Option(names = "--no-flip", description = "Embed each picture as it is only, not its mirror image too.")
    private boolean noFlip;

    @Option(names = "--seed", defaultValue = "0", description = "Of splits, as in training, and of the bootstrap.")
    private long seed;

    @Option(
            names = "--calibrate",
            paramLabel = "FILE",
            description =
                    "Also find thresholds for \"the same person\" on the validation faces, and write the model with"
                            + " them to this file.")
    private @Nullable Path calibrated;

    @Option(
            names = "--report",
            paramLabel = "FILE",
            description =
                    "Write charts, figures and the hardest errors as one HTML file, and the numbers as JSON beside it. It"
                            + " shows faces of the data.")
    private @Nullable Path report;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        if (calibrated != null && !protocol.readsParts()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--calibrate must go with a protocol that has validation faces: closed-set, open-set"
                            + " or all-pairs, but was given with " + protocol);
        }
        PrintWriter err = spec.commandLine().getErr();
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("protocol", protocol.toString());
        try (FaceDetector finder = detector.open(err).orElse(null);
                Recognizer recognizer = model.load()) {
            err.println(recognizer);
            EvaluationReport results = EvaluationReport.titled("Evaluation: " + protocol)
                    .fact("model", recognizer.toString())
                    .fact("data", data.path().toString())
                    .fact("faces", detector.name().map("found by "::concat).orElse("as the data has them"))
                    .fact("mirror images", noFlip ? "not used" : "added");
            Evaluation evaluation =
                    new Evaluation(recognizer, !noFlip, finder, data, pairs, unseen, seed, results, err);
            protocol.maker.get().measure(evaluation);
            if (finder != null) {
                results.count("faces_not_found", evaluation.notFound());
                if (evaluation.notFound() > 0) {
                    err.println(
                            "note: no face was found in " + evaluation.notFound()
                                    + " images, which were cut out by --align; images larger than --max-side were shrunk first");
                }
            }
            figures.putAll(results.figures());
            if (!json) {
                Figures.print(spec.commandLine().getOut(), figures);
            }
            figures.putIfAbsent("faces_not_found", null); // the same names with a detector and without
            figures.put("thresholds", null);
            if (report != null) {
                results.write(report);
                err.println("report: " + report);
            }
            if (calibrated != null) {
                figures.put("thresholds", calibrate(recognizer));
                recognizer.save(calibrated);
            }
        }
        if (json) {
            spec.commandLine().getOut().println(Json.line(figures));
        }
        return 0;
    }

    private Map<Double, Double> calibrate(Recognizer recognizer) {
        Map<Double, Double> thresholds = recognizer.calibrate(data.read(Split.VAL, seed), !noFlip);
        thresholds.forEach((far, cosine) ->
                spec.commandLine().getErr().printf(Locale.ROOT, "same person from cosine %.4f: FAR %s%n", cosine, far));
        return thresholds;
    }
}
