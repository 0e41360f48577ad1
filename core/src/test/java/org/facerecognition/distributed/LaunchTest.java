package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Recognizes launchers by their environment variables. */
class LaunchTest {
    private static Launch launch(String... namesAndValues) {
        return Launch.of(environment(namesAndValues)).orElseThrow();
    }

    private static Map<String, String> environment(String... namesAndValues) {
        Map<String, String> variables = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            variables.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return variables;
    }

    @Test
    void withoutALauncherAProcessIsAlone() {
        assertThat(Launch.of(Map.of("PATH", "/bin", "MASTER_ADDR", "a"))).isEmpty();
    }

    @Test
    void torchrun() {
        assertThat(launch(
                        "TORCHELASTIC_RUN_ID", "x",
                        "RANK", "5",
                        "LOCAL_RANK", "1",
                        "WORLD_SIZE", "8",
                        "MASTER_ADDR", "node0",
                        "MASTER_PORT", "29400",
                        "TORCHELASTIC_USE_AGENT_STORE", "True",
                        "TORCHELASTIC_RESTART_COUNT", "2"))
                .isEqualTo(new Launch("torchrun", 5, 8, 1, "node0", 29400, true, ""));
        assertThat(launch(
                                "TORCHELASTIC_RUN_ID", "x",
                                "RANK", "5",
                                "LOCAL_RANK", "1",
                                "WORLD_SIZE", "8",
                                "MASTER_ADDR", "node0",
                                "MASTER_PORT", "29400",
                                "TORCHELASTIC_RESTART_COUNT", "2")
                        .attempt())
                .as("where rank 0 runs the store, it is new each time")
                .isEqualTo("0");
    }

    /** A training that torchrun has started again may start processes; they looked for each other in other places. */
    @Test
    void theRestartCountOfAnotherLauncherIsNotOurs() {
        Launch launch = launch(
                Launch.OWN_VARIABLE,
                "processes of this machine",
                "RANK",
                "1",
                "LOCAL_RANK",
                "1",
                "WORLD_SIZE",
                "2",
                "MASTER_ADDR",
                "127.0.0.1",
                "MASTER_PORT",
                "29400",
                "TORCHELASTIC_USE_AGENT_STORE",
                "true",
                "TORCHELASTIC_RUN_ID",
                "x",
                "TORCHELASTIC_RESTART_COUNT",
                "2");
        assertThat(launch.attempt()).isEqualTo(RankStore.FIRST_ATTEMPT);
    }

    @Test
    void openMpiOnOneMachineNeedsNoAddress() {
        assertThat(launch(
                        "OMPI_COMM_WORLD_RANK", "1",
                        "OMPI_COMM_WORLD_SIZE", "2",
                        "OMPI_COMM_WORLD_LOCAL_SIZE", "2",
                        "OMPI_COMM_WORLD_LOCAL_RANK", "1"))
                .isEqualTo(new Launch("Open MPI", 1, 2, 1, "127.0.0.1", 29500, false, "0"));
        Map<String, String> twoMachines = environment(
                "OMPI_COMM_WORLD_RANK", "1", "OMPI_COMM_WORLD_SIZE", "2", "OMPI_COMM_WORLD_LOCAL_SIZE", "1");
        assertThatThrownBy(() -> Launch.of(twoMachines)).hasMessageContaining("add -x MASTER_ADDR=HOST to mpirun");
    }

    @Test
    void slurm() {
        assertThat(launch(
                        "SLURM_JOB_ID", "1234567",
                        "SLURM_STEP_ID", "0",
                        "SLURM_PROCID", "9",
                        "SLURM_NTASKS", "16",
                        "SLURM_LOCALID", "1",
                        "SLURM_NODELIST", "gpu[003-006]"))
                .isEqualTo(new Launch("Slurm", 9, 16, 1, "gpu003", 15000 + 4567, false, "0.0"));
    }

    @Test
    void theScriptOfASlurmJobIsAlone() {
        assertThat(Launch.of(environment("SLURM_JOB_ID", "12", "SLURM_PROCID", "0", "SLURM_NTASKS", "4")))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "a1,a2;a1",
                "gpu[003-006,9],cpu1;gpu003",
                "n[7,9]-ib;n7-ib",
                "one;one",
                "login,gpu[1-2];login",
                "rack[0-1]_blade[2-3],x;rack0_blade2"
            })
    void firstHostOfASlurmList(String list, String first) {
        assertThat(Launch.firstHost(list)).isEqualTo(first);
    }

    @Test
    void kubeflowTrainer() {
        assertThat(launch(
                        "PET_NNODES", "4",
                        "PET_NODE_RANK", "3",
                        "PET_NPROC_PER_NODE", "1",
                        "PET_MASTER_ADDR", "job-node-0-0.job",
                        "PET_MASTER_PORT", "29500"))
                .isEqualTo(new Launch("Kubeflow Trainer", 3, 4, 0, "job-node-0-0.job", 29500, false, "0"));
        assertThatThrownBy(() -> launch("PET_NODE_RANK", "0", "PET_NNODES", "1", "PET_NPROC_PER_NODE", "2"))
                .hasMessageContaining("PET_NPROC_PER_NODE must be 1");
    }

    @Test
    void pyTorchJob() {
        Launch launch = launch("RANK", "1", "WORLD_SIZE", "3", "MASTER_ADDR", "master-0", "MASTER_PORT", "23456");
        assertThat(launch.rank()).isEqualTo(1);
        assertThat(launch.localRank()).isZero();
        assertThat(launch.host()).isEqualTo("master-0");
        assertThat(launch.mayBeLocalhostToItselfAlone()).isFalse();
        assertThat(launch("RANK", "0", "WORLD_SIZE", "3", "MASTER_ADDR", "localhost")
                        .mayBeLocalhostToItselfAlone())
                .isTrue();
    }

    /** The store of PyTorch 1.13's torchrun never answers: that was said after the whole time-out, ten minutes. */
    @Test
    void aLaunchersStoreIsNotWaitedForAsLongAsOtherRanks() {
        Map<String, String> torchrun = environment(
                "TORCHELASTIC_RUN_ID", "none", "RANK", "1", "WORLD_SIZE", "2", "LOCAL_RANK", "1", "MASTER_ADDR", "a");
        torchrun.put("MASTER_PORT", "29500");
        Launch ofRankZero = Launch.of(torchrun).orElseThrow();
        torchrun.put("TORCHELASTIC_USE_AGENT_STORE", "True");
        Launch ofTheLauncher = Launch.of(torchrun).orElseThrow();
        Duration timeout = Duration.ofMinutes(10);
        assertThat(RankStore.patience(ofRankZero, timeout)).isEqualTo(timeout);
        assertThat(RankStore.patience(ofTheLauncher, timeout)).isEqualTo(Duration.ofSeconds(60));
        assertThat(RankStore.patience(ofTheLauncher, Duration.ofSeconds(5))).isEqualTo(Duration.ofSeconds(5));
    }

    /** Each of these processes trained by itself, without a word. */
    @Test
    void launchesThatDoNotSayTheRankAreRefused() {
        assertThatThrownBy(() -> launch("PET_RDZV_BACKEND", "c10d", "PET_RDZV_ENDPOINT", "worker-0:23456"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageEndingWith("torchrun finds it out; start torchrun --no_python java ...");
        assertThatThrownBy(() -> launch("PET_NNODES", "2:4")).hasMessageContaining("PET_NNODES");
        assertThatThrownBy(() -> launch("PMI_RANK", "0", "PMI_SIZE", "2"))
                .hasMessageStartingWith("PMI_SIZE is 2, but the processes of MPICH and Intel MPI");
        assertThat(Launch.of(Map.of("PMI_RANK", "0", "PMI_SIZE", "1", "PET_NNODES", "1")))
                .isEmpty();
    }

    @Test
    void wrongVariablesAreNamed() {
        assertThatThrownBy(() -> launch("RANK", "1"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("WORLD_SIZE must be set");
        assertThatThrownBy(() -> launch("RANK", "one", "WORLD_SIZE", "2"))
                .hasMessage("the environment variable RANK must be a whole number of at least 0, but was one");
        assertThatThrownBy(() -> launch("RANK", "2", "WORLD_SIZE", "2"))
                .hasMessageContaining("must give a rank in [0, 2), but gives rank 2 of 2 processes");
    }
}
