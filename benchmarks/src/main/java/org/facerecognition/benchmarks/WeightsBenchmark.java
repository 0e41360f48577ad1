package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.weights.NamedTensors;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;

/**
 * Measures reading ResNet-34's 85 MB of weights into a network: the time, and how far the peak memory of the process
 * exceeds its memory before. Every measurement runs in a new process, and the rounds are interleaved. Both sides read
 * the same .pth file, which Python writes.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar weights [ROUNDS]}; by default 7 rounds. Linux only.
 */
final class WeightsBenchmark {
    private static final String PYTHON = System.getProperty("python", "/usr/bin/python3");

    private WeightsBenchmark() {}

    /** Runs the benchmark and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        if (args.length == 2 && args[0].equals("read")) { // in a child process
            readOnce(Path.of(args[1]));
            return;
        }
        int rounds = new Arguments(args).number(0, "ROUNDS", 1, 7);
        try (TemporaryFolder folder = TemporaryFolder.create("weights-benchmark");
                InputStream in = WeightsBenchmark.class.getResourceAsStream("read_resnet34.py")) {
            Path script = folder.path().resolve("read_resnet34.py");
            Path pickled = folder.path().resolve("resnet34.pth");
            Path safe = folder.path().resolve("resnet34.safetensors");
            Files.write(script, in.readAllBytes());
            Map<String, List<String>> contestants = new LinkedHashMap<>();
            Optional<String> torchVersion =
                    torchVersion(List.of(PYTHON, script.toString(), "write", pickled.toString()));
            if (torchVersion.isEmpty()) {
                System.out.println("skipping Python, and .pth files, which Python writes");
            } else {
                contestants.put("Weights.read, .pth", java(pickled));
                contestants.put(
                        "Python " + torchVersion.get() + " torch.load, .pth",
                        List.of(PYTHON, script.toString(), "read", pickled.toString()));
            }
            writeSafeTensors(safe);
            contestants.put("Weights.read, .safetensors", java(safe));
            compare(contestants, rounds);
        }
    }

    private static void compare(Map<String, List<String>> contestants, int rounds)
            throws IOException, InterruptedException {
        Map<String, List<Double>> seconds = new LinkedHashMap<>();
        Map<String, List<Double>> memory = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            for (Map.Entry<String, List<String>> contestant : contestants.entrySet()) {
                String[] figures = output(contestant.getValue(), ProcessBuilder.Redirect.INHERIT)
                        .split(" ");
                seconds.computeIfAbsent(contestant.getKey(), name -> new ArrayList<>())
                        .add(Double.valueOf(figures[0]));
                memory.computeIfAbsent(contestant.getKey(), name -> new ArrayList<>())
                        .add(Double.valueOf(figures[1]));
            }
        }
        System.out.println(
                "| reading 85 MB of ResNet-34 into a network | ms, median (min to max) | peak memory increase, MiB |");
        System.out.println("|---|---|---|");
        seconds.forEach((name, times) -> {
            double min = times.stream().min(Double::compare).orElseThrow();
            double max = times.stream().max(Double::compare).orElseThrow();
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.0f (%.0f to %.0f) | %.0f |%n",
                    name,
                    1e3 * Rounds.median(times),
                    1e3 * min,
                    1e3 * max,
                    Rounds.median(Objects.requireNonNull(memory.get(name), name)));
        });
    }

    private static List<String> java(Path file) {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "weights",
                "read",
                file.toString());
    }

    /** Runs the command that writes the weights, and returns nothing if there is no Python with torch. */
    private static Optional<String> torchVersion(List<String> command) throws InterruptedException {
        try {
            return Optional.of(output(command, ProcessBuilder.Redirect.PIPE));
        } catch (IOException e) {
            System.out.println("skipping Python: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** Runs a command and returns what it prints, which must be something. */
    private static String output(List<String> command, ProcessBuilder.Redirect errors)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectError(errors).start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        LastLine last = new LastLine(process);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        int status = process.waitFor();
        if (status != 0 || output.isEmpty()) {
            throw new IOException("the process that reads or writes weights ended with status " + status
                    + (output.isEmpty() ? " and printed nothing" : "") + last.quoted());
        }
        return output;
    }

    private static void writeSafeTensors(Path file) {
        try (Backbone net = resnet34();
                PointerScope scope = new PointerScope()) {
            SafeTensors.write(file, NamedTensors.of(net), Map.of());
        }
    }

    private static Backbone resnet34() {
        return Encoder.RESNET34.create("fc", List.of(1000));
    }

    /** Prints the seconds and the increase of peak memory in MiB. */
    private static void readOnce(Path file) throws IOException {
        try (Backbone net = resnet34()) {
            ProcessMemory.resetPeak();
            double before = ProcessMemory.residentMib();
            long start = System.nanoTime();
            Weights.read(file).into(net);
            double seconds = (System.nanoTime() - start) / 1e9;
            System.out.println(seconds + " " + (ProcessMemory.peakMib() - before));
        }
    }
}
