package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.facerecognition.TrainerArgs;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.distributed.LocalRanks;
import org.facerecognition.distributed.RestartPolicy;
import org.facerecognition.distributed.RestartingRanks;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.train.Checkpoints;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Options of a training in several processes. */
@HelpSection(Heading.PROCESSES)
final class ProcessOptions {
    @Option(
            names = "--processes",
            paramLabel = "N",
            defaultValue = "1",
            description =
                    "Train in N processes on this machine, which share its processors or GPUs. --batch-size is the"
                            + " number of images in a batch of all of them. torchrun, mpirun, srun and Kubeflow are recognized"
                            + " without this option.")
    private int processes;

    @Option(
            names = "--sync-batch-norm",
            description = "With several processes: let batch normalization see the images of all of them, so that their"
                    + " number does not change what is learned.")
    private boolean syncBatchNorm;

    @Option(
            names = "--shard-head",
            description = "With several processes: give each a share of the class centers, with their gradients and"
                    + " optimizer state, in place of all of them; for very many people. Only for margin losses.")
    private boolean shardHead;

    @Option(
            names = "--rank-timeout",
            paramLabel = "SECONDS",
            defaultValue = "600",
            description = "With several processes: how long they wait for one that does not come.")
    private int timeoutSeconds;

    @Option(
            names = "--max-restarts",
            paramLabel = "K",
            defaultValue = "0",
            description = "With --processes: when one of them is killed, runs out of memory, hangs or loses its"
                    + " connection, start all again from the last checkpoint, up to K times. A process that failed for a"
                    + " reason of its own, such as unreadable data or a diverged loss, is not started again.")
    private int maxRestarts;

    @Option(
            names = "--min-processes",
            paramLabel = "M",
            defaultValue = "0",
            description = "With --max-restarts: starting with the second consecutive failure without a new checkpoint,"
                    + " restart with one process fewer each time, down to M; 0 for always --processes. A new checkpoint"
                    + " brings all back at the next restart.")
    private int minProcesses;

    /**
     * Returns whether this process is to start the others and not to train itself.
     *
     * @throws IllegalArgumentException when the options contradict the launcher that started this process
     */
    boolean launches() {
        if (processes < 1) {
            throw new IllegalArgumentException("--processes must be at least 1, but was " + processes);
        }
        if (timeoutSeconds < 1) {
            throw new IllegalArgumentException("--rank-timeout must be at least 1, but was " + timeoutSeconds);
        }
        if (maxRestarts < 0) {
            throw new IllegalArgumentException("--max-restarts must be at least 0, but was " + maxRestarts);
        }
        if (minProcesses < 0 || minProcesses > processes) {
            throw new IllegalArgumentException(
                    "--min-processes must be in [0, " + processes + "], but was " + minProcesses);
        }
        return (processes > 1 || maxRestarts > 0) && !LocalRanks.isRank() && !Distributed.isLaunched();
    }

    /**
     * Runs the command line of this program in several processes.
     *
     * @param out the training's folder
     * @param json whether the processes end with one line of JSON
     * @return 0 or the exit code of the first failure
     */
    int launch(CommandSpec spec, Path out, boolean json) {
        PrintWriter err = spec.commandLine().getErr();
        RankResult result = new RankResult(spec.commandLine().getOut(), err);
        RestartPolicy policy = new RestartPolicy(maxRestarts, minProcesses == 0 ? processes : minProcesses);
        try (RestartingRanks ranks = new RestartingRanks(
                policy,
                processes,
                (count, restart) -> LocalRanks.start(
                        count, command(spec, count, restart), new RankLines(err::println), json ? result : null),
                () -> Checkpoints.lastIn(out),
                err::println)) {
            Thread onStop = StopHook.add("stop-ranks", () -> {
                ranks.close();
                result.print(); // Java may end before the main thread goes on
            });
            try {
                return ranks.run().exitCode();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for the processes", e);
            } finally {
                result.print();
                StopHook.remove(onStop);
            }
        }
    }

    static List<String> command(CommandSpec spec, int count, int restart) {
        List<String> command = new ArrayList<>(LocalRanks.java(count, Main.class));
        spec.root().commandLine().getParseResult().originalArgs().stream()
                .map(ArgumentFiles::literal)
                .forEach(command::add);
        if (restart > 0 && !spec.commandLine().getParseResult().hasMatchedOption(CheckpointOptions.RESUME_OR_START)) {
            command.add(CheckpointOptions.RESUME_OR_START);
        }
        return command;
    }

    /**
     * Joins the processes that train together; alone where there is no launcher.
     *
     * @return owned
     */
    Distributed join() {
        LocalRanks.onLauncherExit(() -> System.exit(Main.FAILED)); // after the present step, with a checkpoint
        if (maxRestarts > 0 && !LocalRanks.isRank()) {
            throw new IllegalArgumentException("--max-restarts must be left out under a launcher, whose own option for"
                    + " restarts goes with --resume-or-start, but was " + maxRestarts);
        }
        Distributed group = Distributed.fromEnvironment(Duration.ofSeconds(timeoutSeconds));
        if (processes > 1 && !LocalRanks.isRank() && group.worldSize() != processes) {
            group.close();
            throw new IllegalArgumentException("--processes must be left out under a launcher, which has started "
                    + group.worldSize() + " processes, but was " + processes);
        }
        return group;
    }

    /**
     * Returns which options have no effect in this group.
     *
     * @param given returns whether an option is on the command line
     */
    List<String> warnings(Distributed group, Predicate<String> given) {
        List<String> all = new ArrayList<>();
        if (group.worldSize() == 1 && shardHead) {
            all.add("--shard-head has no effect in one process, which has all class centers; use --processes");
        }
        if (group.worldSize() == 1 && syncBatchNorm) {
            all.add("--sync-batch-norm has no effect in one process, which has the whole batch; use --processes");
        }
        if (group.worldSize() == 1 && given.test("--rank-timeout")) {
            all.add("--rank-timeout has no effect in one process, which waits for no other; use --processes");
        }
        if (maxRestarts == 0 && minProcesses > 1) {
            all.add("--min-processes has no effect without --max-restarts, which start fewer processes");
        }
        return all;
    }

    TrainerArgs.Builder apply(TrainerArgs.Builder args, Distributed group) {
        return args.distributed(group).syncBatchNorm(syncBatchNorm).shardHead(shardHead);
    }
}
