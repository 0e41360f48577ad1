package org.facerecognition.examples;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.TrainerArgs;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.distributed.LocalRanks;
import org.facerecognition.examples.HelpSection.Heading;
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
        return processes > 1 && !Distributed.isLaunched();
    }

    /** Runs the command line of this program in several processes; returns 0 or the exit code of the first failure. */
    int launch(CommandSpec spec) {
        List<String> command = new ArrayList<>(LocalRanks.java(processes, Main.class));
        command.addAll(spec.root().commandLine().getParseResult().originalArgs());
        try (LocalRanks ranks =
                LocalRanks.start(processes, command, spec.commandLine().getErr()::println)) {
            Thread onStop = StopHook.add("stop-ranks", ranks::close);
            try {
                return ranks.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for the processes", e);
            } finally {
                StopHook.remove(onStop);
            }
        }
    }

    /**
     * Joins the processes that train together; alone where there is no launcher.
     *
     * @return owned
     */
    Distributed join() {
        Distributed group = Distributed.fromEnvironment(Duration.ofSeconds(timeoutSeconds));
        if (processes > 1 && group.worldSize() != processes) {
            group.close();
            throw new IllegalArgumentException("--processes must be left out under a launcher, which has started "
                    + group.worldSize() + " processes, but was " + processes);
        }
        LocalRanks.onLauncherExit(() -> System.exit(Main.FAILED)); // after the present step, with a checkpoint
        return group;
    }

    TrainerArgs.Builder apply(TrainerArgs.Builder args, Distributed group) {
        return args.distributed(group).syncBatchNorm(syncBatchNorm).shardHead(shardHead);
    }
}
