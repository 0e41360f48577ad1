package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Processes that train together, or one alone, each with a number of compute threads. */
final class RankGroup implements Contestant {
    private final int ranks;
    private final int threads;
    private final int batch;
    private final List<Process> processes = new ArrayList<>();
    private final BufferedReader output;
    private final PrintWriter input;

    /** Starts {@link RankTraining} with the given arguments; of the batch, each process has its share. */
    private RankGroup(int ranks, int threads, int batch, String... arguments) throws IOException {
        this.ranks = ranks;
        this.threads = threads;
        this.batch = batch;
        int port = freePort();
        for (int rank = 0; rank < ranks; rank++) {
            List<String> command = Child.javaCommand(RankTraining.class);
            command.addAll(List.of(arguments));
            ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
            if (rank > 0) {
                builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
            }
            Map<String, String> environment = builder.environment();
            environment.put("OMP_NUM_THREADS", Integer.toString(threads));
            if (ranks > 1) {
                environment.put("TORCHELASTIC_RUN_ID", "benchmark");
                environment.put("RANK", Integer.toString(rank));
                environment.put("LOCAL_RANK", Integer.toString(rank));
                environment.put("WORLD_SIZE", Integer.toString(ranks));
                environment.put("MASTER_ADDR", "127.0.0.1");
                environment.put("MASTER_PORT", Integer.toString(port));
            }
            Process process = builder.start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
            processes.add(process);
        }
        this.output = processes.get(0).inputReader(StandardCharsets.UTF_8);
        this.input = new PrintWriter(processes.get(0).outputWriter(StandardCharsets.UTF_8), true);
    }

    /** Starts processes that train with batches of all together, and waits until the first epoch is over. */
    static RankGroup training(int ranks, int threads, int batch) throws IOException {
        RankGroup group = new RankGroup(ranks, threads, batch, "train", Integer.toString(batch));
        group.await("ready");
        return group;
    }

    /** Returns the seconds in which processes with a thread each add up that many numbers. */
    static double secondsOfSum(int ranks, int values) throws IOException {
        try (RankGroup group = new RankGroup(ranks, 1, 0, "sum", Integer.toString(values))) {
            return Double.parseDouble(group.await("seconds "));
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** Returns the rest of the next line that begins so; libraries print others. */
    private String await(String beginning) throws IOException {
        String line;
        do {
            line = Child.readLine(processes.get(0), output, "the process of rank 0");
        } while (!line.startsWith(beginning));
        return line.substring(beginning.length());
    }

    @Override
    public String name() {
        return ranks + (ranks == 1 ? " process" : " processes") + ", " + threads
                + (threads == 1 ? " thread each" : " threads");
    }

    @Override
    public double imagesPerSecond(int steps) {
        try {
            input.println(steps);
            return batch * steps / Double.parseDouble(await("seconds "));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        input.close(); // which ends the training
        processes.forEach(Process::destroy);
    }
}
