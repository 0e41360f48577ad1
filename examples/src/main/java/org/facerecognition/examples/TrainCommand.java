package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Sampler;
import org.facerecognition.data.Split;
import org.facerecognition.losses.LossName;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Precision;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.History;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code train}: a data set to a model. */
@Command(
        name = "train",
        description = "Train a model. The defaults are the study's best run on CelebA-500.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class TrainCommand implements Callable<Integer> {
    enum Preset {
        STUDY,
        FINETUNE
    }

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--preset",
            defaultValue = "study",
            description =
                    "Which defaults: study, or finetune for --init with a net that knows faces: the head first, from"
                            + " class means; a low rate with cosine decay; margin warm-up; dropout; no decay on norm and bias.")
    private Preset preset;

    @Mixin
    private InitOptions init = new InitOptions();

    @Option(names = "--licence", paramLabel = "TEXT", description = "Of the model; kept in its file.")
    private @Nullable String license;

    @Mixin
    private DataOptions data = new DataOptions();

    @Mixin
    private AugmentationOptions augmentations = new AugmentationOptions();

    @Option(
            names = "--encoder",
            defaultValue = "resnet34",
            description = "One of ${COMPLETION-CANDIDATES}.",
            completionCandidates = EncoderNames.class)
    private String encoder;

    @Option(names = "--encoder-last-layer", paramLabel = "NAME", description = "The layer replaced. Default: its own.")
    private String lastLayer;

    @Option(
            names = "--embedding-size",
            defaultValue = "512",
            split = ",",
            description = "Of the linear layer that replaces the encoder's last; several for a sequence.")
    private List<Integer> embeddingSizes;

    @Option(names = "--image-size", defaultValue = "112", description = "Side of the net's input in pixels.")
    private int imageSizePx;

    @Option(names = "--loss", defaultValue = "arcface", description = "One of ${COMPLETION-CANDIDATES}.")
    private LossName loss;

    @Option(names = "--small-faces", description = "Leave out the first stride and pooling of torchvision's nets.")
    private boolean smallFaces;

    @Option(names = "--dropout", defaultValue = "0", description = "Of the features before the embedding.")
    private double dropout;

    @Option(names = "--s", description = "Scale of the cosines. Default: 5 for arcface, else the loss's paper's.")
    private @Nullable Double s;

    @Option(
            names = "--m",
            description = "Margin: radians for arcface, a difference of cosines for cosface."
                    + " Default: 0.1 for arcface, else the loss's paper's.")
    private @Nullable Double m;

    @Option(
            names = "--sub-centers",
            defaultValue = "0",
            paramLabel = "K",
            description = "Centers for each identity; 0: 3 for subcenter-arcface, else 1.")
    private int subCenters;

    @Option(names = "--label-smoothing", defaultValue = "0", description = "Share of the target spread over all.")
    private double labelSmoothing;

    @Option(names = "--focal-gamma", defaultValue = "0", description = "Focal weighting; 2 in its paper, 0 for none.")
    private double focalGamma;

    @Option(names = "--straight-through", description = "insightface's gradient of arcface, not the true one.")
    private boolean straightThrough;

    @Option(
            names = "--partial-fc",
            defaultValue = "1",
            paramLabel = "SHARE",
            description = "Partial FC: share of the identities that a step works with, such as 0.1; 1 for all.")
    private double partialFraction;

    @Option(names = "--bf16-logits", description = "Multiply embeddings and centers in bfloat16.")
    private boolean bf16Logits;

    @Mixin
    private OptimizationOptions optimization = new OptimizationOptions();

    @Option(names = "--batch-size", defaultValue = "16", description = "Samples in a batch.")
    private int batchSize;

    @Option(names = "--epochs", defaultValue = "50", description = "Passes over the data.")
    private int epochs;

    @Option(names = "--max-steps", defaultValue = "0", description = "Stop after so many steps in all; 0 for no limit.")
    private long maxSteps;

    @Option(names = "--precision", defaultValue = "fp32", description = "fp32 or bf16.")
    private Precision precision;

    @Option(names = "--device", defaultValue = "auto", description = "auto, cpu or cuda.")
    private ComputeDevice device;

    @Option(names = "--threads", defaultValue = "2", description = "That read and augment images.")
    private int threads;

    @Option(
            names = "--sampler",
            defaultValue = "shuffled",
            paramLabel = "NAME",
            description =
                    "shuffled; balanced (each person as often as any); PxK, such as 16x4 (batches of P people, K images"
                            + " each; --batch-size is then P*K).")
    private String sampler;

    @Option(
            names = "--bad-images",
            defaultValue = "fail",
            description = "fail, or skip: take another image for one that cannot be used, and report it.")
    private BadImages badImages;

    @Option(
            names = "--cache-mib",
            defaultValue = "512",
            description = "Memory for decoded images of each part of the data; 0 to decode them every time.")
    private int imageCacheMib;

    @Option(
            names = "--verify-on-unseen",
            paramLabel = "FRACTION|DIR",
            description =
                    "After each epoch tell apart people that are not trained on: a share of the data's people, which are"
                            + " then left out, or those of a folder with one folder per person. Up to 2,000 faces.")
    private @Nullable String verifyOnUnseen;

    @Option(
            names = "--best-by",
            defaultValue = "accuracy",
            description = "What best.ckpt is chosen by: accuracy, unseen-auc or unseen-tar (TAR at FAR 1e-3).")
    private BestBy bestBy;

    @Option(names = "--compute-threads", defaultValue = "0", description = "For libtorch on the CPU; 0 for all cores.")
    private int computeThreads;

    @Option(names = "--seed", defaultValue = "0", description = "Of weights, order and augmentation.")
    private long seed;

    @Option(names = "--out", defaultValue = "face-model", paramLabel = "DIR", description = "Folder for the results.")
    private Path out;

    @Option(names = "--backup-every-steps", defaultValue = "500", description = "Backs up within an epoch too; 0: not.")
    private int checkpointEverySteps;

    @Option(
            names = "--resume",
            description =
                    "Go on from the checkpoint in --out, with the options it was started with: --resume --out DIR is enough.")
    private boolean resume;

    @Option(
            names = "--resume-or-start",
            description =
                    "Go on from the checkpoint in --out where there is one, else start: for programs that start this one again.")
    private boolean resumeOrStart;

    @Option(
            names = "--accept-changed-images",
            description = "Resume also where images have other contents than before under the same names.")
    private boolean acceptChangedImages;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        boolean there = Files.exists(out.resolve("last.ckpt"));
        if (!there && resume) {
            throw new IllegalStateException("there is nothing to resume in " + out + ": it has no last.ckpt"
                    + (Files.exists(out.resolve(FormerOptions.FILE))
                            ? "; the training there ended before its first checkpoint"
                            : "")
                    + "; check --out, or start without --resume");
        }
        if (there && !resume && !resumeOrStart) {
            throw new ParameterException(
                    spec.commandLine(),
                    out + " holds a training already: go on with --resume, or choose another --out");
        }
        return there ? withFormerOptions().train() : train();
    }

    /** The same command with the options of the training that it resumes, where it has none of its own. */
    private TrainCommand withFormerOptions() {
        TrainCommand command = new TrainCommand();
        List<String> words = FormerOptions.in(out).mergedWith(spec);
        Main.commandLine(
                        command, spec.commandLine().getOut(), spec.commandLine().getErr())
                .parseArgs(words.toArray(String[]::new));
        return command;
    }

    private Integer train() {
        data.path(); // before anything else is done
        if (preset == Preset.FINETUNE) {
            FinetunePreset.applyTo(spec);
        }
        int formerThreads = torch.get_num_threads();
        if (computeThreads > 0) {
            torch.set_num_threads(computeThreads);
        }
        try {
            return fit();
        } finally {
            torch.set_num_threads(formerThreads);
        }
    }

    private Integer fit() {
        PrintWriter err = spec.commandLine().getErr();
        UnseenPeople people = UnseenPeople.of(verifyOnUnseen, data, seed);
        FaceDataset train = augmentations.apply(people.trainedOn(data.read(Split.TRAIN, seed)));
        @Nullable
        FaceDataset validation =
                data.validation(seed).flatMap(people::ifTrainedOn).orElse(null);
        TrainerArgs.Builder args = trainerArgs().verification(people.faces()).bestBy(bestBy);
        err.println(train);
        err.println(
                validation != null
                        ? validation
                        : "no validation: best.ckpt is "
                                + (people.faces() == null ? "the last epoch's" : "chosen by people not trained on"));
        if (people.faces() != null) {
            err.println("unseen: " + people.faces());
        }
        try (Recognizer recognizer = recognizer(train.classes())) {
            err.println(recognizer);
            warnings(recognizer).forEach(warning -> err.println("warning: " + warning));
            boolean fresh = !Files.exists(out.resolve("last.ckpt"));
            if (fresh) {
                init.apply(recognizer, Encoder.of(encoder), err);
            }
            if (license != null) {
                recognizer.setLicense(license);
            }
            TrainingSession session = new TrainingSession(out, err, Json.pretty(FormerOptions.of(spec)));
            History history = session.run(recognizer, args, train, validation);
            PrintWriter standard = spec.commandLine().getOut();
            if (json) {
                standard.println(Json.line(Json.of(history, bestBy)));
            } else {
                Figures.print(standard, Json.of(history, bestBy));
            }
        }
        return 0;
    }

    private Recognizer recognizer(int classes) {
        RecognizerArgs.Builder args = RecognizerArgs.builder()
                .encoder(Encoder.of(encoder))
                .embeddingSizes(embeddingSizes)
                .classes(classes)
                .s(s)
                .m(m)
                .subCenters(subCenters)
                .labelSmoothing(labelSmoothing)
                .focalGamma(focalGamma)
                .straightThrough(straightThrough)
                .partialFraction(partialFraction)
                .bf16Logits(bf16Logits)
                .imageSizePx(imageSizePx)
                .smallFaces(smallFaces)
                .dropout(dropout)
                .seed(seed);
        if (lastLayer != null) {
            args.encoderLastLayerName(lastLayer);
        }
        Recognizer recognizer = Recognizer.withLoss(loss, args.build());
        RecognizerArgs used = args.build().resolved(loss); // for args.json
        s = used.loss().s();
        m = used.loss().m();
        subCenters = used.loss().subCenters();
        return recognizer;
    }

    private List<String> warnings(Recognizer recognizer) {
        List<String> all = new ArrayList<>(recognizer.warnings());
        all.addAll(optimization.warnings(epochs, spec.commandLine().getParseResult()::hasMatchedOption));
        if (loss.needsPairs() && !sampler.contains("x")) {
            all.add(loss + " compares the images of a batch: it should hold several of some people; give --sampler"
                    + " 16x4, for example");
        }
        return all;
    }

    private TrainerArgs.Builder trainerArgs() {
        Sampler order = sampler(); // which decides the batch size where that is not given
        return optimization
                .apply(TrainerArgs.builder(), epochs)
                .batchSize(batchSize)
                .epochs(epochs)
                .maxSteps(maxSteps)
                .precision(precision)
                .device(device)
                .loaderThreads(threads)
                .sampler(order)
                .badImages(badImages)
                .imageCacheMib(imageCacheMib)
                .seed(seed)
                .checkpoints(out)
                .checkpointEverySteps(checkpointEverySteps)
                .resume(resume || resumeOrStart)
                .acceptChangedImages(acceptChangedImages);
    }

    private Sampler sampler() {
        Matcher peopleAndImages = Pattern.compile("(\\d{1,6})x(\\d{1,6})").matcher(sampler);
        if (peopleAndImages.matches()) {
            Sampler groups = Sampler.identities(
                    Integer.parseInt(peopleAndImages.group(1)), Integer.parseInt(peopleAndImages.group(2)));
            if (!spec.commandLine().getParseResult().hasMatchedOption("--batch-size")) {
                spec.findOption("--batch-size").setValue(groups.groupSize());
            }
            return groups;
        }
        return switch (sampler) {
            case "shuffled" -> Sampler.shuffled();
            case "balanced" -> Sampler.balanced();
            default ->
                throw new IllegalArgumentException(
                        "--sampler must be shuffled, balanced or PxK, such as 16x4, but was \"" + sampler + "\"");
        };
    }
}
