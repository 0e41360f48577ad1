package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.facerecognition.Recognizer;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.inference.Int8Calibration;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.vision.FaceDetector;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quantize}: calibrates a model for 8-bit integers. */
@Command(
        name = "quantize",
        description = {
            "Calibrate a model for 8-bit integers.",
            "Finds the ranges of the values between the layers on some faces, and measures on others how far the"
                    + " embeddings are from those in float32 and how many decisions change at the thresholds that the"
                    + " model has for faces embedded like these. Commands use the ranges with --int8. The weights stay"
                    + " as they are."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
@HelpSection.Refused({"--input", "--int8", "--bf16", "--min-cosine"})
final class QuantizeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @Mixin
    private DataOptions data = new DataOptions();

    @Parameters(
            arity = "0..*",
            paramLabel = "IMAGE",
            description = "Face images, or folders of images, like those that the model will embed; cropped as in the"
                    + " model's training, or photographs with --detector. In place of them, --data takes a data set,"
                    + " such as the training's, of which the part for training is used.")
    private List<Path> images = List.of();

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "With --data: seed of the split of folders, as in training.")
    @HelpSection(Heading.DATA)
    private long seed;

    @Option(
            names = "--faces",
            paramLabel = "N",
            defaultValue = "400",
            description = "Use this many of the images, evenly spread: half for the ranges, half for the measurement.")
    private int faces;

    @Option(names = "--no-flip", description = "Do not add the embedding of each image's mirror image.")
    @HelpSection(Heading.MODEL)
    private boolean noFlip;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The model to write.")
    private Path out;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        PrintWriter err = spec.commandLine().getErr();
        if (faces < Int8Calibration.MIN_IMAGES) {
            throw new IllegalArgumentException(
                    "--faces must be at least " + Int8Calibration.MIN_IMAGES + ", but was " + faces);
        }
        ModelFile.requireOther("--out", out, detector.file());
        Faces some = images.isEmpty() ? ofData() : ofImages();
        OutputFile.requireWritable("--out", out);
        Optional<FaceDetector> faceDetector = detector.open(err);
        try (Recognizer recognizer = model.load()) {
            recognizer.useDetector(faceDetector.orElse(null), face.choice());
            recognizer.useFlip(!noFlip);
            if (recognizer.thresholds().isEmpty()) {
                err.println("note: no decisions are counted, because "
                        + (recognizer.allThresholds().isEmpty()
                                ? "the model has no thresholds; find some with evaluate --calibrate, and quantize the"
                                        + " model with them"
                                : "the model's thresholds are not of faces embedded in float32 like these; give"
                                        + " --detector and --no-flip as when it was calibrated"));
            }
            Int8Calibration calibration;
            try (CountProgress progress = new CountProgress(err, "calibrating", "faces", some.count())) {
                calibration = some.calibrate(recognizer, progress::accept);
            }
            try {
                recognizer.save(out);
            } finally { // what was measured is not lost because the file cannot be written
                print(calibration);
            }
        } finally {
            faceDetector.ifPresent(FaceDetector::close);
        }
        if (!json) {
            spec.commandLine().getOut().println("wrote " + out);
        }
        return 0;
    }

    /** The faces to calibrate on. */
    private record Faces(int count, BiFunction<Recognizer, IntConsumer, Int8Calibration> calibration) {
        Int8Calibration calibrate(Recognizer recognizer, IntConsumer done) {
            return calibration.apply(recognizer, done);
        }
    }

    private Faces ofImages() {
        if (data.isGiven()) {
            throw new IllegalArgumentException("give either images or --data");
        }
        ImageFileNames.Given given = ImageFileNames.of(images);
        given.notes().forEach(spec.commandLine().getErr()::println);
        if (!given.complete()) {
            throw new DataException("the calibration must be on all images that were given, but some of the files or"
                    + " folders could not be used; nothing was written");
        }
        ModelFile.requireOther("--out", out, given.paths().toArray(Path[]::new));
        List<ImageSource> sources =
                spread(given.paths()).stream().map(ImageSource::of).toList();
        return new Faces(sources.size(), (recognizer, done) -> recognizer.calibrateInt8(sources, done));
    }

    private Faces ofData() {
        if (!data.isGiven()) {
            throw new ParameterException(
                    spec.commandLine(), "Missing required parameter: 'IMAGE', or option: '--data=DIR'");
        }
        data.requireOther("--out", out);
        FaceDataset all = data.read(Split.TRAIN, seed);
        return new Faces(Math.min(faces, all.size()), (recognizer, done) -> {
            if (detector.file() == null) {
                DataOptions.requirePackedFor(LoadedModel.of(recognizer), all);
            }
            return recognizer.calibrateInt8(all, faces, done);
        });
    }

    private void print(Int8Calibration calibration) {
        if (!(calibration.minCosine() >= PrepareOptions.INT8.minCosine())) {
            spec.commandLine()
                    .getErr()
                    .println("note: --int8 will refuse this model without --min-cosine, because the smallest cosine is"
                            + " below " + PrepareOptions.INT8.minCosine());
        }
        spec.commandLine().getOut().println(json ? line(calibration) : "int8: " + calibration);
    }

    /** Returns as many of the files as are wanted, at equal distances. */
    private List<Path> spread(List<Path> files) {
        int count = Math.min(faces, files.size());
        return IntStream.range(0, count)
                .mapToObj(i -> files.get((int) ((long) i * files.size() / count)))
                .toList();
    }

    private String line(Int8Calibration calibration) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("file", out.toString());
        figures.put("faces", calibration.images());
        figures.put("mean_cosine", calibration.meanCosine());
        figures.put("min_cosine", calibration.minCosine());
        Map<String, Object> changed = new LinkedHashMap<>();
        calibration.changedDecisions().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(entry -> changed.put(entry.getKey().toString(), entry.getValue()));
        figures.put("changed_decisions", changed);
        return Json.line(figures);
    }
}
