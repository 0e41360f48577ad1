package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.facerecognition.TrainerArgs;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.train.Checkpoints;
import org.facerecognition.train.EpochReport.BestBy;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Options of where a training writes its checkpoints and whether it continues from one. */
@HelpSection(Heading.CHECKPOINTS)
final class CheckpointOptions {
    static final String RESUME_OR_START = "--resume-or-start";

    @Option(names = "--out", defaultValue = "face-model", paramLabel = "DIR", description = "Folder for the results.")
    private Path out;

    @Option(
            names = "--resume",
            description = "Continue from the checkpoint in --out with the options that the training was started with:"
                    + " --resume --out DIR is enough, but for those of one run: --processes, --max-restarts,"
                    + " --min-processes and --max-steps.")
    private boolean resume;

    @Option(
            names = RESUME_OR_START,
            description = "Continue from the checkpoint in --out, or start if there is none: for programs that restart"
                    + " this one.")
    private boolean resumeOrStart;

    @Option(
            names = "--accept-changed-images",
            description = "Resume even if files of the same names now contain other images.")
    private boolean acceptChangedImages;

    @Option(
            names = "--checkpoint-every-steps",
            defaultValue = "500",
            paramLabel = "STEPS",
            description = "Also save a checkpoint within an epoch, every so many steps; 0 for never.")
    private int checkpointEverySteps;

    @Option(
            names = "--best-by",
            paramLabel = "FIGURE",
            defaultValue = "accuracy",
            description = "What best.ckpt is chosen by: accuracy, unseen-auc or unseen-tar (TAR at FAR 1e-3).")
    private BestBy bestBy;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    Path out() {
        return out;
    }

    BestBy bestBy() {
        return bestBy;
    }

    /** Returns whether --out has a checkpoint. */
    boolean exists() {
        return Checkpoints.resumableIn(out) != null;
    }

    /**
     * Returns whether there is a training to be resumed.
     *
     * @throws IllegalStateException when --resume finds none
     * @throws ParameterException when there is one, but neither --resume nor --resume-or-start
     */
    boolean resumes() {
        boolean exists = exists();
        if (!exists && resume) {
            throw new IllegalStateException(
                    "there is nothing to resume in " + out + ": it has no last.ckpt or best.ckpt"
                            + (Files.exists(out.resolve(FormerOptions.FILE))
                                    ? "; the training there ended before its first checkpoint"
                                    : "")
                            + "; check --out, or start without --resume");
        }
        if (exists && !resume && !resumeOrStart) {
            throw new ParameterException(
                    command.commandLine(),
                    out + " already holds a training: continue it with --resume, or choose another --out");
        }
        return exists;
    }

    /** Returns which options have no effect. */
    List<String> warnings() {
        return acceptChangedImages && !resume && !resumeOrStart
                ? List.of("--accept-changed-images has no effect without --resume or " + RESUME_OR_START)
                : List.of();
    }

    TrainerArgs.Builder apply(TrainerArgs.Builder args) {
        return args.checkpoints(out)
                .checkpointEverySteps(checkpointEverySteps)
                .bestBy(bestBy)
                .resume(resume || resumeOrStart)
                .acceptChangedImages(acceptChangedImages);
    }
}
