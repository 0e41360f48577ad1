package org.facerecognition.examples;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.TrainerArgs;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Precision;
import org.facerecognition.train.History;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/**
 * {@code train}: trains a model on a data set, or resumes a training. Most options are in the classes mixed in here;
 * this class reads the data, creates the model and runs the training.
 */
@Command(
        name = "train",
        customSynopsis = Main.NAME + " train --data DIR [--out DIR] [OPTIONS]",
        description = "Train a model. The defaults are those of the study's best run on CelebA-500.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false,
        footer = {
            "",
            "Options can be in a file: '" + Main.NAME + " train @options'. In the file, # before an option begins a"
                    + " comment, and values with spaces are quoted."
        })
@HelpSection.First({
    "--data",
    "--out",
    "--encoder",
    "--loss",
    "--init",
    "--preset",
    "--epochs",
    "--batch-size",
    "--lr",
    "--resume"
})
final class TrainCommand implements Callable<Integer> {
    enum Preset {
        STUDY,
        FINETUNE
    }

    @Spec
    private CommandSpec spec;

    /** What was given to resume a training, without the options that the folder has; null to start one. */
    private @Nullable ParseResult given;

    private List<String> formerNotes = List.of();

    @Option(
            names = "--preset",
            paramLabel = "NAME",
            defaultValue = "study",
            description = "Which defaults to use: study; or finetune, for --init with a network that was trained on"
                    + " faces: the head learns first and starts from class means, with a low learning rate, cosine"
                    + " decay, margin warm-up, dropout, and no weight decay on normalization and biases.")
    @HelpSection(Heading.OPTIMIZATION)
    private Preset preset;

    @Mixin
    private DataOptions data = new DataOptions();

    @Mixin
    private AugmentationOptions augmentations = new AugmentationOptions();

    @Option(
            names = "--verify-on-unseen",
            paramLabel = "FRACTION|DIR",
            description = "After each epoch, measure verification on people who are not trained on: a fraction of the"
                    + " people of the data, who are then left out of the training, or the people of a folder with one"
                    + " folder per person. Uses up to 2,000 faces.")
    @HelpSection(Heading.DATA)
    private @Nullable String verifyOnUnseen;

    @Mixin
    private EncoderOptions encoder = new EncoderOptions();

    @Mixin
    private InitOptions init = new InitOptions();

    @Option(
            names = "--license",
            paramLabel = "TEXT",
            description = "License of the trained model; it is stored in the model's file.")
    @HelpSection(Heading.MODEL)
    private @Nullable String license;

    @Mixin
    private LossOptions loss = new LossOptions();

    @Option(names = "--epochs", paramLabel = "N", defaultValue = "50", description = "Passes over the data.")
    @HelpSection(Heading.OPTIMIZATION)
    private int epochs;

    @Option(
            names = "--max-steps",
            paramLabel = "N",
            defaultValue = "0",
            description = "Stop after this many steps in total; 0 for no limit.")
    @HelpSection(Heading.OPTIMIZATION)
    private long maxSteps;

    @Mixin
    private OptimizationOptions optimization = new OptimizationOptions();

    @Option(names = "--precision", paramLabel = "NAME", defaultValue = "fp32", description = "fp32 or bf16.")
    @HelpSection(Heading.OPTIMIZATION)
    private Precision precision;

    @Option(names = "--device", paramLabel = "NAME", defaultValue = "auto", description = "auto, cpu or cuda.")
    @HelpSection(Heading.OPTIMIZATION)
    private ComputeDevice device;

    @Option(
            names = "--compute-threads",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Threads of libtorch on the CPU, which trains, at most 256 or the number of processors; 0 for as"
                            + " many as the JVM may use. Validation on"
                            + " 512 or more images and the rest of the program follow -Dfacerecognition.threads, see"
                            + " core/README.md.")
    @HelpSection(Heading.OPTIMIZATION)
    private int computeThreads;

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the weights, the split, the order and the augmentations.")
    @HelpSection(Heading.OPTIMIZATION)
    private long seed;

    @Mixin
    private LoadingOptions loading = new LoadingOptions();

    @Mixin
    private ProcessOptions processes = new ProcessOptions();

    @Mixin
    private CheckpointOptions checkpoints = new CheckpointOptions();

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        TrainCommand command = checkpoints.resumes() ? withFormerOptions() : this;
        command.data.path(); // fails without --data, before anything else is done
        return command.processes.launches()
                ? command.processes.launch(spec, command.checkpoints.out(), command.json)
                : command.trainInGroup();
    }

    private Integer trainInGroup() {
        try (Distributed group = processes.join()) {
            try {
                return train(group);
            } catch (RuntimeException | Error e) {
                group.failed(e); // the others need not wait for this process
                throw e;
            }
        }
    }

    /** Returns this command with the options of the training that it resumes, wherever it was given none. */
    private TrainCommand withFormerOptions() {
        TrainCommand command = new TrainCommand();
        command.given = spec.commandLine().getParseResult();
        FormerOptions former = FormerOptions.in(checkpoints.out());
        command.formerNotes = former.notes(spec);
        List<String> words = former.mergedWith(spec);
        try {
            Main.commandLine(
                            command,
                            spec.commandLine().getOut(),
                            spec.commandLine().getErr())
                    .parseArgs(words.toArray(String[]::new));
        } catch (ParameterException e) { // those that were given have been parsed before
            throw former.unusable(e);
        }
        return command;
    }

    private Integer train(Distributed group) {
        if (preset == Preset.FINETUNE) {
            FinetunePreset.applyTo(spec);
        }
        Libtorch.load(); // which sets the number of threads, too
        int formerThreads = torch.get_num_threads();
        if (computeThreads < 0) {
            throw new IllegalArgumentException("--compute-threads must be at least 0, but was " + computeThreads);
        }
        if (computeThreads > 0) {
            Libtorch.setThreads(computeThreads);
        }
        try {
            return fit(group);
        } finally {
            if (computeThreads > 0) {
                Libtorch.setThreads(formerThreads);
            }
        }
    }

    private Integer fit(Distributed group) {
        boolean reports = group.rank() == 0;
        PrintWriter err = reports ? spec.commandLine().getErr() : new PrintWriter(Writer.nullWriter());
        UnseenPeople people = UnseenPeople.of(verifyOnUnseen, data, seed);
        FaceDataset train = augmentations.apply(people.trainedOn(data.read(Split.TRAIN, seed)));
        @Nullable
        FaceDataset validation =
                data.validation(seed).flatMap(people::ifTrainedOn).orElse(null);
        TrainerArgs.Builder args = processes.apply(trainerArgs(), group).verification(people.faces());
        describe(train, validation, people, err);
        try (Recognizer recognizer = recognizer(train.classes())) {
            err.println(recognizer);
            err.println("compute threads: " + torch.get_num_threads());
            warnings(recognizer, group).forEach(warning -> err.println("warning: " + warning));
            formerNotes.forEach(note -> err.println("note: " + note));
            if (!checkpoints.exists()) {
                init.apply(recognizer, encoder.encoder(), train, err);
            }
            if (license != null) {
                recognizer.setLicense(license);
            }
            try (TrainingSession session =
                    new TrainingSession(checkpoints.out(), err, Json.pretty(FormerOptions.of(spec)))) {
                History history = session.run(recognizer, args, train, validation, reports);
                if (reports) {
                    print(history);
                }
            }
        }
        return 0;
    }

    private static void describe(
            FaceDataset train, @Nullable FaceDataset validation, UnseenPeople people, PrintWriter err) {
        err.println(train);
        if (validation != null) {
            err.println(validation);
        } else {
            err.println("no validation: best.ckpt is "
                    + (people.faces() == null ? "the last epoch's" : "chosen by people not trained on"));
        }
        if (people.faces() != null) {
            err.println("unseen: " + people.faces());
        }
    }

    private void print(History history) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(Json.line(Json.of(history, checkpoints.bestBy())));
        } else {
            Figures.print(out, Json.of(history, checkpoints.bestBy()));
        }
        out.flush(); // a program that is being stopped may end at any time after this
    }

    private Recognizer recognizer(int classes) {
        return loss.create(
                encoder.apply(RecognizerArgs.builder()).classes(classes).seed(seed));
    }

    private List<String> warnings(Recognizer recognizer, Distributed group) {
        ParseResult command = given == null ? spec.commandLine().getParseResult() : given;
        List<String> all = new ArrayList<>(recognizer.warnings());
        all.addAll(processes.warnings(group, command::hasMatchedOption));
        all.addAll(optimization.warnings(epochs, command::hasMatchedOption));
        all.addAll(augmentations.warnings());
        all.addAll(init.warnings(command::hasMatchedOption));
        all.addAll(checkpoints.warnings());
        if (preset == Preset.FINETUNE && !init.isGiven()) {
            all.add("--preset finetune is for a network that was trained on faces, but --init names none: it keeps"
                    + " random weights nearly as they are");
        }
        return all;
    }

    private TrainerArgs.Builder trainerArgs() {
        TrainerArgs.Builder args = TrainerArgs.builder()
                .epochs(epochs)
                .maxSteps(maxSteps)
                .precision(precision)
                .device(device)
                .seed(seed);
        return checkpoints.apply(loading.apply(optimization.apply(args, epochs)));
    }
}
