package org.facerecognition;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Runs {@link RankChild} in several processes, as torchrun would start them, or in one without a launcher. */
final class RankProcesses implements AutoCloseable {
    private static final long MAX_SECONDS = 300; // on a machine that is busy with other things

    private final Path folder;
    private final List<Process> processes = new ArrayList<>();
    private final Map<Integer, Map<String, String>> environments = new HashMap<>(); // of single ranks
    private int runs;

    /** @param folder for output */
    RankProcesses(Path folder) {
        this.folder = folder;
    }

    /** Returns options with more of them; the last one of a name counts. */
    static String[] with(String[] options, String... more) {
        return Stream.of(options, more).flatMap(Arrays::stream).toArray(String[]::new);
    }

    /** Returns the losses in lines of a rank, by step. */
    static Map<Integer, Double> losses(List<String> lines) {
        Map<Integer, Double> losses = new LinkedHashMap<>();
        for (String line : lines) {
            if (line.matches("\\d+ [-\\d.E]+")) {
                int space = line.indexOf(' ');
                losses.put(Integer.valueOf(line.substring(0, space)), Double.valueOf(line.substring(space + 1)));
            }
        }
        return losses;
    }

    /**
     * What the processes of a run have written and how they ended.
     *
     * @param lines of each rank
     * @param codes of each rank
     */
    record Result(List<List<String>> lines, List<Integer> codes) {
        /** Returns the losses of rank 0 in each of several trainings. */
        Map<String, Map<Integer, Double>> lossesByTraining() {
            Map<String, List<String>> trainings = new LinkedHashMap<>();
            String training = "";
            for (String line : lines.get(0)) {
                if (line.startsWith("training ")) {
                    training = line;
                }
                trainings.computeIfAbsent(training, name -> new ArrayList<>()).add(line);
            }
            Map<String, Map<Integer, Double>> losses = new LinkedHashMap<>();
            trainings.forEach((name, own) -> losses.put(name, RankProcesses.losses(own)));
            losses.remove("");
            return losses;
        }

        /** Returns the losses of rank 0 by step. */
        Map<Integer, Double> losses() {
            return RankProcesses.losses(lines.get(0));
        }

        /** Returns the sentence with which a rank has failed. */
        String error(int rank) {
            return lines.get(rank).stream()
                    .filter(line -> line.startsWith("error: "))
                    .findFirst()
                    .orElse("none");
        }
    }

    /** Sets a variable in the environment of one rank. */
    void set(int rank, String name, String value) {
        environments.computeIfAbsent(rank, other -> new HashMap<>()).put(name, value);
    }

    /** Runs to the end, each rank with one compute thread. */
    Result run(int ranks, String... options) throws IOException, InterruptedException {
        start(ranks, options);
        return await();
    }

    /** Starts ranks and returns them. */
    List<Process> start(int ranks, String... options) throws IOException {
        processes.clear();
        runs++;
        int port = freePort();
        for (int rank = 0; rank < ranks; rank++) {
            List<String> command = new ArrayList<>(command());
            command.addAll(List.of(options));
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(output(rank).toFile());
            Map<String, String> environment = builder.environment();
            environment.put("OMP_NUM_THREADS", "1");
            if (ranks > 1) {
                environment.put("TORCHELASTIC_RUN_ID", "test");
                environment.put("RANK", Integer.toString(rank));
                environment.put("LOCAL_RANK", Integer.toString(rank));
                environment.put("WORLD_SIZE", Integer.toString(ranks));
                environment.put("MASTER_ADDR", "127.0.0.1");
                environment.put("MASTER_PORT", Integer.toString(port));
            }
            environment.putAll(environments.getOrDefault(rank, Map.of()));
            processes.add(builder.start());
        }
        return processes;
    }

    static List<String> command() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", // first: mpirun takes any option with "cp" in it for this one, also "javacpp"
                System.getProperty("java.class.path"),
                "-Xmx512m",
                "-Xss4m",
                "-XX:TieredStopAtLevel=1", // starts faster
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                RankChild.class.getName());
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private Path output(int rank) {
        return folder.resolve("run" + runs + "-rank" + rank + ".txt");
    }

    List<String> linesSoFar(int rank) throws IOException {
        return Files.readAllLines(output(rank));
    }

    /** Waits for all ranks. */
    Result await() throws IOException, InterruptedException {
        return await(processes.size());
    }

    /** Waits for the first ranks. */
    Result await(int ranks) throws IOException, InterruptedException {
        List<List<String>> lines = new ArrayList<>();
        List<Integer> codes = new ArrayList<>();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(MAX_SECONDS);
        for (int rank = 0; rank < ranks; rank++) {
            Process process = processes.get(rank);
            if (!process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                close();
                throw new IllegalStateException(
                        "rank " + rank + " did not end within " + MAX_SECONDS + " s: " + linesSoFar(rank));
            }
            codes.add(process.exitValue());
            lines.add(linesSoFar(rank));
        }
        return new Result(lines, codes);
    }

    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
    }
}
