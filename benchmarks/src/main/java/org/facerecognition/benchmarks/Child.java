package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.global.torch;

/**
 * A process of its own that embeds when it is told to, for peers that cannot share ours: Python, and DJL, whose libtorch is
 * another. It prints "ready NAME SECONDS MIB" once it has embedded a first image, then takes lines "BATCH STEPS" and answers
 * each with seconds.
 */
final class Child implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final PrintWriter orders;
    private final String name;
    private final double secondsToFirst;
    private final int mebibytes;

    private Child(List<String> command) throws IOException {
        long start = System.nanoTime();
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("OMP_NUM_THREADS", String.valueOf(torch.get_num_threads())); // as many as here
        this.process = builder.start();
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.orders = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
        String line = answers.readLine();
        while (line != null && !line.startsWith("ready\t")) {
            line = answers.readLine(); // what libraries print
        }
        if (line == null) {
            throw new IOException("it ended: " + String.join(" ", command));
        }
        this.secondsToFirst = (System.nanoTime() - start) / 1e9;
        String[] parts = line.split("\t");
        this.name = parts[1];
        this.mebibytes = Integer.parseInt(parts[2]);
    }

    /** {@link InferenceChild}, with its arguments. */
    static Child java(String... arguments) throws IOException {
        List<String> command = javaCommand(InferenceChild.class);
        command.addAll(List.of(arguments));
        return new Child(command);
    }

    /** Another class of this program; arguments can be added. */
    static List<String> javaCommand(Class<?> main) {
        return new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
    }

    /** Python running a script among the resources. */
    static Child python(String resource, String... arguments) throws IOException {
        List<String> command = pythonCommand(resource);
        command.addAll(List.of(arguments));
        return new Child(command);
    }

    /** Python and a script among the resources; arguments can be added. */
    static List<String> pythonCommand(String resource) throws IOException {
        Path file = Files.createTempFile("benchmark", ".py");
        file.toFile().deleteOnExit();
        try (var script = Child.class.getResourceAsStream(resource)) {
            Files.write(file, script.readAllBytes());
        }
        return new ArrayList<>(List.of(System.getProperty("python", "/usr/bin/python3"), file.toString()));
    }

    String name() {
        return name;
    }

    /** From the start of the process to the end of the first embedding. */
    double secondsToFirst() {
        return secondsToFirst;
    }

    /** Resident after the first embedding. */
    int mebibytes() {
        return mebibytes;
    }

    /** Its turns at one batch size. */
    Contestant with(int batch) {
        return new Contestant() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public double imagesPerSecond(int steps) {
                try {
                    orders.println(batch + " " + steps);
                    return batch * steps / Double.parseDouble(answers.readLine());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public void close() {
        process.destroy();
    }
}
