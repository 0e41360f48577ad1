package org.facerecognition.distributed;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a launcher's environment variables say about this process.
 *
 * @param launcher name of the launcher, for messages
 * @param rank number of this process, from 0
 * @param worldSize number of processes
 * @param localRank number of this process among those of its machine, from 0: the number of its GPU
 * @param host where the group's store is
 * @param port of the store
 * @param storeIsThere whether the launcher runs the store; otherwise rank 0 does
 * @param attempt how often the launcher has started this group before, so that a new group does not meet the keys of
 *     the former one; empty where it does not say the same to all ranks, which then have a {@link Meeting}
 */
record Launch(
        String launcher,
        int rank,
        int worldSize,
        int localRank,
        String host,
        int port,
        boolean storeIsThere,
        String attempt) {

    /** The name of {@link LocalRanks}; the variable is set for its ranks only. */
    static final String OWN_VARIABLE = "FACERECOGNITION_LAUNCHER";

    private static final String PYTORCH_JOB = "RANK and WORLD_SIZE (as of Kubeflow's PyTorchJob)";
    private static final int DEFAULT_PORT = 29500; // as torchrun and Kubeflow
    private static final int SLURM_BASE_PORT = 15000;
    /** Up to a comma outside brackets. */
    private static final Pattern FIRST_NODE = Pattern.compile("(?:[^\\[,]|\\[[^\\]]*\\])*");

    private static final Pattern RANGE = Pattern.compile("\\[(\\w+)[^\\]]*\\]");

    Launch {
        if (worldSize < 1 || rank < 0 || rank >= worldSize) {
            throw new IllegalStateException("the environment of " + launcher + " must give a rank in [0, "
                    + Math.max(worldSize, 0) + "), but gives rank " + rank + " of " + worldSize + " processes");
        }
    }

    /**
     * Recognizes the launcher. A launcher that runs inside of another one goes first: torchrun and mpirun inside of a
     * Slurm job, torchrun inside of a Kubernetes pod.
     *
     * @return empty where no launcher has started this process
     * @throws IllegalStateException when variables of a launcher are missing or are not numbers, naming them
     */
    static Optional<Launch> of(Map<String, String> environment) {
        Variables variables = new Variables(environment);
        if (variables.has("TORCHELASTIC_RUN_ID") || variables.has(OWN_VARIABLE)) {
            return Optional.of(ofTorchrun(variables));
        } else if (variables.has("OMPI_COMM_WORLD_RANK")) {
            return Optional.of(ofOpenMpi(variables));
        } else if (variables.has("SLURM_STEP_ID") && variables.has("SLURM_PROCID")) {
            return Optional.of(ofSlurm(variables)); // the script of a batch job has a SLURM_PROCID, but no step
        } else if (variables.has("PET_NODE_RANK")) {
            return Optional.of(ofKubeflowTrainer(variables));
        } else if (variables.has("RANK") || variables.has("WORLD_SIZE")) {
            return Optional.of(ofPyTorchJob(variables));
        }
        requireAlone(variables);
        return Optional.empty();
    }

    /** Each of many processes that did not know of each other would train by itself. */
    private static void requireAlone(Variables v) {
        if (v.has("PET_RDZV_ENDPOINT") || !v.text("PET_NNODES", "1").equals("1")) {
            throw new IllegalStateException("PET_RDZV_ENDPOINT and PET_NNODES, as of an elastic PyTorchJob, do not say"
                    + " which rank this process is: torchrun finds it out; start torchrun --no_python java ...");
        }
        if (v.number("PMI_SIZE", 1) > 1) {
            throw new IllegalStateException("PMI_SIZE is " + v.number("PMI_SIZE") + ", but the processes of MPICH and"
                    + " Intel MPI are not known to each other here; set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT"
                    + " for each, or start them with Open MPI's mpirun");
        }
    }

    private static Launch ofTorchrun(Variables v) {
        String own = v.text(OWN_VARIABLE, "");
        boolean storeIsThere = Boolean.parseBoolean(v.text("TORCHELASTIC_USE_AGENT_STORE", "false"));
        boolean mayHaveFormerKeys = storeIsThere && own.isEmpty(); // our own launcher starts a store for each group
        return new Launch(
                own.isEmpty() ? "torchrun" : own,
                v.number("RANK"),
                v.number("WORLD_SIZE"),
                v.number("LOCAL_RANK"),
                v.text("MASTER_ADDR"),
                v.number("MASTER_PORT"),
                storeIsThere,
                mayHaveFormerKeys ? "" : RankStore.FIRST_ATTEMPT);
    }

    private static Launch ofOpenMpi(Variables v) {
        int worldSize = v.number("OMPI_COMM_WORLD_SIZE");
        boolean oneMachine = v.number("OMPI_COMM_WORLD_LOCAL_SIZE", 0) == worldSize;
        if (!oneMachine && !v.has("MASTER_ADDR")) {
            throw new IllegalStateException("MASTER_ADDR must name the machine of rank 0 when mpirun starts processes"
                    + " on several machines; add -x MASTER_ADDR=HOST to mpirun");
        }
        return new Launch(
                "Open MPI",
                v.number("OMPI_COMM_WORLD_RANK"),
                worldSize,
                v.number("OMPI_COMM_WORLD_LOCAL_RANK", 0),
                v.text("MASTER_ADDR", "127.0.0.1"),
                v.number("MASTER_PORT", DEFAULT_PORT),
                false,
                "0");
    }

    private static Launch ofSlurm(Variables v) {
        String job = v.text("SLURM_JOB_ID");
        String lastDigits = job.substring(Math.max(0, job.length() - 4));
        int port = v.number("MASTER_PORT", SLURM_BASE_PORT + v.parse("SLURM_JOB_ID", lastDigits));
        String nodes = v.text("SLURM_STEP_NODELIST", v.text("SLURM_NODELIST", "127.0.0.1"));
        return new Launch(
                "Slurm",
                v.number("SLURM_PROCID"),
                v.number("SLURM_STEP_NUM_TASKS", v.number("SLURM_NTASKS", 1)),
                v.number("SLURM_LOCALID", 0),
                v.text("MASTER_ADDR", firstHost(nodes)),
                port,
                false,
                v.text("SLURM_RESTART_COUNT", "0") + "." + v.text("SLURM_STEP_ID"));
    }

    /** Returns the first host of a Slurm list such as {@code gpu[003-006,9],cpu1}: {@code gpu003}. */
    static String firstHost(String nodes) {
        Matcher first = FIRST_NODE.matcher(nodes);
        return RANGE.matcher(first.lookingAt() ? first.group() : nodes).replaceAll("$1");
    }

    private static Launch ofKubeflowTrainer(Variables v) {
        String processes = v.text("PET_NPROC_PER_NODE", "1");
        if (!processes.equals("1") && !processes.equals("auto")) {
            throw new IllegalStateException("PET_NPROC_PER_NODE must be 1 where Kubeflow Trainer starts Java itself,"
                    + " but was " + processes + "; start torchrun --no_python java ... for several processes in a pod");
        }
        return new Launch(
                "Kubeflow Trainer",
                v.number("PET_NODE_RANK"),
                v.number("PET_NNODES"),
                0,
                v.text("PET_MASTER_ADDR"),
                v.number("PET_MASTER_PORT", DEFAULT_PORT),
                false,
                "0");
    }

    /**
     * Returns whether "localhost" may be a name that only this rank uses: Kubeflow's operator gives it to the first
     * pod, and its name in the network to the others.
     */
    boolean mayBeLocalhostToItselfAlone() {
        return launcher.equals(PYTORCH_JOB) && rank == 0 && worldSize > 1;
    }

    private static Launch ofPyTorchJob(Variables v) {
        return new Launch(
                PYTORCH_JOB,
                v.number("RANK"),
                v.number("WORLD_SIZE"),
                v.number("LOCAL_RANK", 0),
                v.text("MASTER_ADDR", "127.0.0.1"),
                v.number("MASTER_PORT", DEFAULT_PORT),
                false,
                "0");
    }

    @Override
    public String toString() {
        return launcher + ": rank " + rank + " of " + worldSize + ", local rank " + localRank + ", store at " + host
                + ":" + port + (storeIsThere ? " (run by the launcher)" : " (run by rank 0)");
    }

    /** Environment variables; one that is missing or is not a number is named. */
    private record Variables(Map<String, String> all) {
        boolean has(String name) {
            return value(name) != null;
        }

        private @Nullable String value(String name) {
            String value = all.get(name);
            return value == null || value.isBlank() ? null : value.strip();
        }

        String text(String name) {
            String value = value(name);
            if (value == null) {
                throw new IllegalStateException("the environment variable " + name
                        + " must be set where others say that several processes train together, but was not");
            }
            return value;
        }

        String text(String name, String fallback) {
            String value = value(name);
            return value == null ? fallback : value;
        }

        int number(String name) {
            return parse(name, text(name));
        }

        int number(String name, int fallback) {
            String value = value(name);
            return value == null ? fallback : parse(name, value);
        }

        int parse(String name, String value) {
            try {
                int number = Integer.parseInt(value);
                if (number >= 0) {
                    return number;
                }
            } catch (NumberFormatException e) {
                // reported below, with negative numbers
            }
            throw new IllegalStateException(
                    "the environment variable " + name + " must be a whole number of at least 0, but was " + value);
        }
    }
}
