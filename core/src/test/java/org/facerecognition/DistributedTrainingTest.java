package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.facerecognition.RankProcesses.Result;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Trains in one process and in several, on synthetic faces, and lets ranks fail. */
class DistributedTrainingTest {
    /** 32 samples in batches of 9, 9, 9 and 5, of which ranks get unequal parts. */
    private static final String[] TRAINING = {
        "encoder=resnet18", "px=64", "classes=8", "images=4", "batch=9", "lr=0.001", "sync=true"
    };

    @TempDir
    Path folder;

    private RankProcesses processes;

    @BeforeEach
    void create() {
        processes = new RankProcesses(folder);
    }

    @AfterEach
    void end() {
        processes.close();
    }

    private Map<Integer, Double> losses(int ranks, String... more) throws IOException, InterruptedException {
        Result result = processes.run(ranks, with(more));
        assertThat(result.codes()).as(result.lines().toString()).containsOnly(0);
        return result.losses();
    }

    private static String[] with(String... more) {
        List<String> all = new ArrayList<>(List.of(TRAINING));
        all.addAll(List.of(more)); // the last one of a name counts
        return all.toArray(String[]::new);
    }

    private static void assertSame(Map<Integer, Double> losses, Map<Integer, Double> expected, double tolerance) {
        assertThat(losses.keySet()).isEqualTo(expected.keySet());
        losses.forEach((step, loss) -> assertThat(loss)
                .as("step " + step)
                .isCloseTo(expected.get(step), within(tolerance * expected.get(step))));
    }

    @Nested
    class SameLossesAsOneProcess {
        @ParameterizedTest
        @ValueSource(ints = {2, 4})
        void withUnequalParts(int ranks) throws IOException, InterruptedException {
            assertSame(losses(ranks, "steps=6"), losses(1, "steps=6"), 1e-5);
        }

        /** The last batch has 2 samples for 4 ranks. */
        @Test
        void withBatchesThatAreTooSmallForAll() throws IOException, InterruptedException {
            assertSame(losses(4, "steps=5", "batch=10"), losses(1, "steps=5", "batch=10"), 1e-4);
        }

        /** Losses of a batch, margins with a memory, random centers and several batches a step, on part of the net. */
        @ParameterizedTest
        @CsvSource({
            "loss=TRIPLET, accumulation=1",
            "loss=ADAFACE, accumulation=2",
            "partial=0.5, accumulation=1",
            "loss=ELASTICFACE_ARC, freeze=5"
        })
        void withEveryKindOfLoss(String one, String other) throws IOException, InterruptedException {
            assertSame(losses(2, "steps=3", one, other), losses(1, "steps=3", one, other), 1e-5);
        }
    }

    @Test
    void resumesWithAnyNumberOfRanks() throws IOException, InterruptedException {
        Map<Integer, Double> pieces = new TreeMap<>();
        String out = "out=" + folder.resolve("checkpoints");
        pieces.putAll(losses(2, out, "steps=2", "every=1"));
        pieces.putAll(losses(1, out, "steps=4", "every=1", "resume=true"));
        pieces.putAll(losses(4, out, "steps=6", "every=1", "resume=true"));
        pieces.putAll(losses(2, out, "steps=8", "every=1", "resume=true"));
        assertSame(pieces, losses(1, "steps=8"), 1e-5);
    }

    @Nested
    class Failures {
        private static final String IN_ONE_SENTENCE = "error: all ranks stop, because rank ";

        @Test
        void aKilledRankIsNamedAndTheCheckpointIsIntact() throws IOException, InterruptedException {
            Path out = folder.resolve("checkpoints");
            Result result = processes.run(3, with("steps=50", "halt1=2", "every=1", "out=" + out));
            assertThat(result.codes()).containsExactly(1, 137, 1);
            for (int rank : new int[] {0, 2}) {
                assertThat(result.error(rank))
                        .startsWith(IN_ONE_SENTENCE + "1 (")
                        .contains("was killed or cannot be reached");
            }
            assertThat(CheckpointContents.steps(out.resolve("last.ckpt"))).isBetween(1L, 2L);
        }

        @Test
        void aRankThatFailsTellsTheOthersWhy() throws IOException, InterruptedException {
            Result result = processes.run(3, with("steps=50", "fail0=2"));
            assertThat(result.codes()).containsOnly(1);
            assertThat(result.error(0)).isEqualTo("error: the disk of this rank is full");
            for (int rank : new int[] {1, 2}) {
                assertThat(result.error(rank))
                        .startsWith(IN_ONE_SENTENCE + "0 (")
                        .endsWith("failed: the disk of this rank is full");
            }
        }

        @Test
        void aRankThatDoesNotComeIsNamedAfterTheTimeout() throws IOException, InterruptedException {
            processes.start(2, with("steps=50", "sleep1=2", "timeout=20"));
            Result result = processes.await(1);
            assertThat(result.codes()).containsExactly(1);
            assertThat(result.error(0))
                    .startsWith(IN_ONE_SENTENCE + "1 (")
                    .contains("did not come to a common step within 20 s");
        }

        @Test
        void whatDiffersIsSaidOnEveryRank() throws IOException, InterruptedException {
            Result result = processes.run(2, with("steps=50", "seed1=5"));
            assertThat(result.codes()).containsOnly(1);
            for (int rank = 0; rank < 2; rank++) {
                assertThat(result.error(rank))
                        .isEqualTo("error: all ranks must train with the same settings and data, but on rank 1 training"
                                + " seed is 5 and on rank 0 0; start all ranks with the same arguments and the same"
                                + " version");
            }
        }
    }

    @Nested
    class Launchers {
        @Test
        void torchrun() throws IOException, InterruptedException {
            List<String> command = command(
                    "torchrun", "--no_python", "--nproc_per_node=2", "--master_port=" + RankProcesses.freePort());
            assertSame(runs(command), losses(1, "steps=2"), 1e-5);
        }

        @Test
        void mpirun() throws IOException, InterruptedException {
            List<String> command = command(
                    "mpirun",
                    "--allow-run-as-root",
                    "--oversubscribe",
                    "-n",
                    "2",
                    "-x",
                    "MASTER_PORT=" + RankProcesses.freePort());
            assertSame(runs(command), losses(1, "steps=2"), 1e-5);
        }

        /** Skips the test where the launcher is not installed. */
        private static List<String> command(String... launcher) {
            boolean found = Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                    .anyMatch(path -> Files.isExecutable(Path.of(path, launcher[0])));
            assumeTrue(found, launcher[0] + " is not installed");
            List<String> command = new ArrayList<>(List.of(launcher));
            command.addAll(RankProcesses.command());
            command.addAll(List.of(with("steps=2")));
            return command;
        }

        private Map<Integer, Double> runs(List<String> command) throws IOException, InterruptedException {
            Path output = folder.resolve("launcher.txt");
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
            builder.environment().put("OMP_NUM_THREADS", "1");
            Process launcher = builder.start();
            try {
                assertThat(launcher.waitFor()).as(Files.readString(output)).isZero();
            } finally {
                launcher.destroy();
            }
            return RankProcesses.losses(Files.readAllLines(output));
        }
    }
}
