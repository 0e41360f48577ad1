package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.facerecognition.RankProcesses.Result;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Trains in two processes on a GPU, which exchange gradients through NCCL. They share one GPU, which NCCL allows only
 * between what it takes for two machines: so each of them has another name, and they talk over the network interface.
 */
class GpuDistributedTest extends GpuFixture {
    private static final String[] TRAINING = {"device=" + GPU, "classes=8", "images=4", "batch=9", "lr=0.005"};
    private static final String IN_ONE_SENTENCE = "error: all ranks stop, because rank 1 (";

    @TempDir
    Path folder;

    private RankProcesses processes;

    @BeforeEach
    void create() {
        processes = new RankProcesses(folder);
        for (int rank = 0; rank < 2; rank++) {
            processes.set(rank, "LOCAL_RANK", "0");
            processes.set(rank, "NCCL_HOSTID", "machine-" + rank);
            processes.set(rank, "NCCL_SOCKET_IFNAME", "lo");
        }
    }

    @AfterEach
    void end() {
        processes.close();
    }

    private static String[] with(String... more) {
        return RankProcesses.with(TRAINING, more);
    }

    private Result run(int ranks, String... more) throws IOException, InterruptedException {
        Result result = processes.run(ranks, with(more));
        assertThat(result.codes()).as(result.lines().toString()).containsOnly(0);
        return result;
    }

    private static void assertSame(Map<Integer, Double> losses, Map<Integer, Double> expected, double tolerance) {
        assertThat(expected).isNotEmpty();
        assertThat(losses.keySet()).isEqualTo(expected.keySet());
        losses.forEach((step, loss) -> assertThat(loss)
                .as("step " + step)
                .isCloseTo(expected.get(step), within(tolerance * Math.abs(expected.get(step)))));
    }

    /** Unequal parts of a batch, several batches a step, losses of pairs, sampled and sharded centers. */
    @Test
    void lossesAreThoseOfOneProcess() throws IOException, InterruptedException {
        String[] trainings = {
            "then",
            "steps=10",
            "then",
            "steps=10",
            "batch=16",
            "accumulation=2",
            "clip=1",
            "then",
            "steps=10",
            "loss=triplet",
            "then",
            "steps=10",
            "loss=adaface",
            "then",
            "steps=10",
            "loss=partial"
        };
        Map<String, Map<Integer, Double>> alone = run(1, trainings).lossesByTraining();
        assertThat(alone).hasSize(5);
        for (String shard : List.of("shard=false", "shard=true")) {
            Map<String, Map<Integer, Double>> together =
                    run(2, RankProcesses.with(new String[] {shard}, trainings)).lossesByTraining();
            assertThat(together).hasSameSizeAs(alone);
            together.forEach(
                    (training, losses) -> assertSame(losses, alone.get(training.replace(shard + " ", "")), 1e-4));
        }
    }

    @Test
    void batchNormalizationIsSynchronized() throws IOException, InterruptedException {
        String[] resnet = {"encoder=resnet18", "px=64", "sync=true", "steps=2"};
        assertSame(run(2, resnet).losses(), run(1, resnet).losses(), 1e-3);
    }

    @Test
    void inBfloat16() throws IOException, InterruptedException {
        String[] options = {"steps=5", "precision=BF16"};
        assertSame(run(2, options).losses(), run(1, options).losses(), 0.01);
    }

    /** Of two ranks on GPUs, resumed by one on the CPU and by two on GPUs again. */
    @Test
    void checkpointsDoNotKnowWhoWroteThem() throws IOException, InterruptedException {
        String out = "out=" + folder.resolve("checkpoints");
        Map<Integer, Double> pieces =
                run(2, out, "steps=2", "every=1", "shard=true").losses();
        pieces.putAll(
                run(1, out, "steps=4", "every=1", "resume=true", "device=CPU").losses());
        pieces.putAll(run(2, out, "steps=6", "every=1", "resume=true").losses());
        assertSame(pieces, run(1, "steps=6").losses(), 1e-4);
    }

    @Test
    void aKilledRankIsNamed() throws IOException, InterruptedException {
        Result result = processes.run(2, with("steps=5000", "halt1=2"));
        assertThat(result.codes()).as(result.lines().toString()).containsExactly(1, 137);
        assertThat(result.error(0)).startsWith(IN_ONE_SENTENCE).contains("was killed or cannot be reached");
    }

    @Test
    void aRankThatFailsTellsTheOtherWhy() throws IOException, InterruptedException {
        Result result = processes.run(2, with("steps=5000", "fail1=2"));
        assertThat(result.codes()).as(result.lines().toString()).containsOnly(1);
        assertThat(result.error(1)).isEqualTo("error: the disk of this rank is full");
        assertThat(result.error(0)).startsWith(IN_ONE_SENTENCE).endsWith("failed: the disk of this rank is full");
    }

    @Test
    void aRankThatDoesNotComeIsNamedAfterTheTimeout() throws IOException, InterruptedException {
        processes.start(2, with("steps=5000", "sleep1=2", "timeout=20"));
        Result result = processes.await(1);
        assertThat(result.codes()).as(result.lines().toString()).containsExactly(1);
        assertThat(result.error(0)).startsWith(IN_ONE_SENTENCE).contains("did not come to a common step within 20 s");
    }

    @Test
    void twoRanksOfOneMachineNeedTwoGpus() throws IOException, InterruptedException {
        assumeFalse(REHEARSAL, "on the CPU they need nothing");
        processes.set(1, "NCCL_HOSTID", "machine-0");
        Result result = processes.run(2, with("steps=2"));
        assertThat(result.codes()).as(result.lines().toString()).containsOnly(1);
        for (int rank = 0; rank < 2; rank++) {
            assertThat(result.error(rank)).contains("a GPU of its own");
        }
    }
}
