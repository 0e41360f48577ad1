package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.facerecognition.Threshold;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.eval.EvaluationReport;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.vision.FaceTemplate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code evaluate}: measures a model by a protocol, and calibrates its thresholds. */
@Command(
        name = "evaluate",
        customSynopsis = Main.NAME + " evaluate --model FILE --data DIR [--protocol NAME] [OPTIONS]",
        description = {
            "Measure a model by a protocol, and calibrate its thresholds.",
            "Protocols: closed-set (identification of people who are all known), open-set (the same with "
                    + "people who are not enrolled), all-pairs (verification over every pair of up to 4,000 faces),"
                    + " lfw (pairs.txt, 10 folds), view1 (pairsDevTest.txt), pairs (a list: image TAB image TAB 1 "
                    + "or 0), bin (insightface's files), celeba-ir (TPR at FPR with distractors). Prints one figure"
                    + " per line on standard output."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
@HelpSection.First({"--model", "--data", "--protocol", "--detector", "--calibrate", "--report", "--json"})
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

        /** Returns whether the data has a training and a validation part. */
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
            paramLabel = "NAME",
            defaultValue = "closed-set",
            description = "One of ${COMPLETION-CANDIDATES}; see above.")
    @HelpSection(Heading.MEASUREMENT)
    private Protocol protocol;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DataOptions data = new DataOptions();

    @Mixin
    private BadImagesOption badImages = new BadImagesOption();

    @Option(
            names = "--pairs",
            paramLabel = "FILE",
            description = "List of pairs. Default: pairs.txt, pairsDevTest.txt or pairs.tsv in --data.")
    @HelpSection(Heading.MEASUREMENT)
    private @Nullable Path pairs;

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @Option(
            names = "--unseen",
            defaultValue = "0",
            paramLabel = "FRACTION",
            description =
                    "all-pairs: measure only the people whom train --verify-on-unseen FRACTION with the same --seed"
                            + " left out. open-set: the share of the people who are not enrolled; 0 for 0.2.")
    @HelpSection(Heading.MEASUREMENT)
    private double unseen;

    @Option(names = "--no-flip", description = "Do not add the embedding of each image's mirror image.")
    @HelpSection(Heading.MEASUREMENT)
    private boolean noFlip;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the splits, as in training, and of the bootstrap.")
    @HelpSection(Heading.MEASUREMENT)
    private long seed;

    @Option(
            names = "--calibrate",
            paramLabel = "FILE",
            description =
                    "Also calibrate the thresholds for \"the same person\" on the people of the data whom the model was"
                            + " not trained on, embedded as they are here, and write the model with them to this file."
                            + " A false accept rate of 0.01 takes 25 people to estimate, 0.001 takes 78, 0.0001 takes"
                            + " 246; with so few, the upper bound of the rate on other people, which is printed, is"
                            + " several"
                            + " times the rate.")
    private @Nullable Path calibrated;

    @Option(
            names = "--bounded",
            description = "With --calibrate, take thresholds so high that the upper bound of the rate on other people,"
                    + " at 95 %% confidence, is at most the false accept rate; otherwise the rate is an estimate. Takes"
                    + " more people.")
    @HelpSection(Heading.MEASUREMENT)
    private boolean bounded;

    @Option(
            names = "--namesakes",
            description = "People of the data who have the same names as people of the model's training are other"
                    + " people, for example because both number their people; and so are people of the data whose"
                    + " names differ only in case, spaces or Unicode form.")
    @HelpSection(Heading.MEASUREMENT)
    private boolean namesakes;

    @Option(
            names = "--report",
            paramLabel = "FILE",
            description =
                    "Write charts, figures and the hardest errors to this HTML file, and the figures to a JSON file"
                            + " beside it. The report shows faces of the data.")
    private @Nullable Path report;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        if (calibrated != null && !protocol.readsParts()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--calibrate must go with a protocol that has validation faces: closed-set, open-set"
                            + " or all-pairs, which name their people, but was given with " + protocol);
        }
        requireUsed();
        new EvaluationFiles(model, data, pairs, detector.file()).requireOther(calibrated, report);
        PrintWriter err = spec.commandLine().getErr();
        if (model.triesInputs()) {
            return tryInputs(err);
        }
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("protocol", protocol.toString());
        try (FaceDetector faceDetector = detector.open(err).orElse(null);
                LoadedModel loaded = model.load(faceDetector, face.choice(), !noFlip)) {
            err.println(loaded);
            if (calibrated != null) {
                loaded.requireSaveable(calibrated);
            }
            EvaluationReport results = EvaluationReport.titled("Evaluation: " + protocol)
                    .fact("model", loaded.toString())
                    .fact("data", data.path().toString())
                    .fact("faces", detector.name().map("found by "::concat).orElse("cropped by the data set"))
                    .fact("mirror images", noFlip ? "not used" : "added");
            Evaluation evaluation = measured(loaded, faceDetector, results, err);
            reportKnownPeople(evaluation);
            if (faceDetector != null) {
                evaluation.reportNotFound();
            }
            figures.putAll(results.figures());
            if (!json) {
                Figures.print(spec.commandLine().getOut(), figures);
            }
            figures.putIfAbsent("faces_not_found", null); // the names are the same with and without a detector
            figures.put("thresholds", null);
            figures.put("calibration", null);
            @Nullable RuntimeException unwritten = write(results);
            try {
                if (calibrated != null) {
                    List<Threshold> thresholds = calibrate(loaded, evaluation);
                    figures.put("thresholds", LoadedModel.thresholds(loaded.embedder()));
                    figures.put(
                            "calibration",
                            thresholds.stream().map(CalibrationNotes::figures).toList());
                    loaded.save(calibrated);
                }
                if (unwritten != null) {
                    throw unwritten;
                }
            } finally { // what was measured is not lost because of what fails afterwards
                if (json) {
                    spec.commandLine().getOut().println(Json.line(figures));
                }
            }
        }
        return 0;
    }

    /** Writes the report; returns and says why it cannot be written, since the calibration does not need it. */
    private @Nullable RuntimeException write(EvaluationReport results) {
        PrintWriter err = spec.commandLine().getErr();
        try {
            if (report != null) {
                results.write(report);
                err.println("report: " + report);
            }
            return null;
        } catch (RuntimeException e) {
            if (calibrated != null) {
                err.println("warning: " + e.getMessage());
            }
            return e;
        }
    }

    /** Rejects options that the protocol does not read: figures would look as if they were of what they ask for. */
    private void requireUsed() {
        if (bounded && calibrated == null) {
            throw new ParameterException(
                    spec.commandLine(), "--bounded must go with --calibrate, but was given without");
        }
        if (!(unseen >= 0 && unseen < 1)) {
            throw new ParameterException(
                    spec.commandLine(), "--unseen must be at least 0 and less than 1, but was " + unseen);
        }
        if (unseen != 0 && protocol != Protocol.ALL_PAIRS && protocol != Protocol.OPEN_SET) {
            throw new ParameterException(
                    spec.commandLine(), "--unseen must go with all-pairs or open-set, but was given with " + protocol);
        }
        if (!protocol.readsParts()) {
            Stream.of("--layout", "--min-images", "--val-fraction", "--test-fraction")
                    .filter(spec.commandLine().getParseResult()::hasMatchedOption)
                    .findFirst()
                    .ifPresent(option -> {
                        throw new ParameterException(
                                spec.commandLine(),
                                option + " must go with closed-set, open-set or all-pairs, but was given with "
                                        + protocol);
                    });
        }
        boolean readsPairs = protocol == Protocol.LFW || protocol == Protocol.VIEW1 || protocol == Protocol.PAIRS;
        if (pairs != null && !readsPairs) {
            throw new ParameterException(
                    spec.commandLine(), "--pairs must go with lfw, view1 or pairs, but was given with " + protocol);
        }
    }

    private Evaluation measured(
            LoadedModel loaded, @Nullable FaceDetector faceDetector, EvaluationReport results, PrintWriter err) {
        Evaluation evaluation = new Evaluation(
                loaded,
                !noFlip,
                faceDetector,
                face.choice(),
                data,
                badImages,
                pairs,
                unseen,
                namesakes,
                seed,
                results,
                err);
        protocol.maker.get().measure(evaluation);
        return evaluation;
    }

    /** Measures an ONNX model with each plausible input and prints which one fits: the wrong ones do not fail. */
    private int tryInputs(PrintWriter err) {
        if (calibrated != null || report != null || json) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--input try must be given without --calibrate, --report and --json, since it only compares inputs");
        }
        model.requireTriable();
        InputTrial trial = new InputTrial(err);
        try (FaceDetector faceDetector = detector.open(err).orElse(null)) {
            List<InputContract> inputs = new ArrayList<>(InputContract.plausible());
            for (int i = 0; i < inputs.size(); i++) {
                InputContract contract = inputs.get(i);
                trial.measure(contract, () -> {
                    try (LoadedModel loaded = model.load(contract, faceDetector, face.choice(), !noFlip)) {
                        if (faceDetector != null && contract.crop() == Crop.WHOLE && mayBeWide(loaded)) {
                            inputs.add(new InputContract(
                                    contract.name(),
                                    contract.order(),
                                    contract.normalization(),
                                    contract.sizePx(),
                                    Crop.WIDE));
                        }
                        EvaluationReport results = EvaluationReport.titled("Evaluation: " + protocol);
                        measured(loaded, faceDetector, results, err);
                        results.count(InputTrial.SIZE, loaded.embedder().imageSizePx());
                        return results.figures();
                    }
                });
            }
        }
        trial.print(spec.commandLine().getOut());
        return 0;
    }

    /** Returns whether a model has a side for which insightface aligns faces to the wide template. */
    private static boolean mayBeWide(LoadedModel loaded) {
        int side = loaded.embedder().imageSizePx();
        return side % FaceTemplate.WIDE_128.widthPx() == 0 && side % FaceTemplate.SIDE_PX != 0;
    }

    /** Reports the people of the training among those measured on: on other people the model is less accurate. */
    private void reportKnownPeople(Evaluation evaluation) {
        if (!namesakes && !evaluation.model().saysWhomItKnows()) {
            evaluation.report.unknown("people_in_training", "not known: the model's file does not say");
            evaluation.note(
                    "the model's file does not say on whom it was trained; if people of the data are among them,"
                            + " it is less accurate on others");
            return;
        }
        int known = namesakes ? 0 : evaluation.knownPeople();
        evaluation.report.count("people_in_training", known);
        if (known > 0) {
            evaluation.note(String.format(
                    Locale.ROOT,
                    "%,d people of the data have names of the model's training: on other people it is less accurate (if"
                            + " they are not the same people, use --namesakes)",
                    known));
        }
    }

    private List<Threshold> calibrate(LoadedModel loaded, Evaluation evaluation) {
        FaceDataset all = evaluation.usable(data.readAll(seed));
        Set<String> trainedOn = evaluation.trainedOn(all);
        List<String> others = all.identities().stream()
                .filter(name -> !trainedOn.contains(name))
                .toList();
        FaceDataset people = others.isEmpty() ? all : all.withIdentities(others); // calibrate rejects people trained on
        CalibrationSettings settings = CalibrationSettings.DEFAULT
                .withSeed(seed)
                .withNamesakes(namesakes)
                .withBounded(bounded)
                .withNotes(evaluation::noteEqualImages);
        PrintWriter err = spec.commandLine().getErr();
        List<Threshold> thresholds;
        try (EmbedProgress progress =
                new EmbedProgress(err, "calibration", Math.min(people.size(), settings.maxFaces()))) {
            thresholds = loaded.embedder().calibrate(people, settings.withProgress(progress));
        }
        err.printf(
                "calibrated on people %s, %s:%n",
                namesakes || loaded.saysWhomItKnows()
                        ? "whom the model was not trained on"
                        : "of whom the model's file does not say whether it was trained on them",
                CalibrationNotes.modeOf(thresholds));
        thresholds.forEach(threshold -> err.println("threshold " + threshold));
        CalibrationNotes.missing(settings, thresholds).forEach(line -> err.println("note: " + line));
        CalibrationNotes.otherCrop(thresholds, people.crop(), loaded.crop())
                .ifPresent(line -> err.println("warning: " + line));
        return thresholds;
    }
}
