package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A contestant that does the same work in Python, in a separate process that waits while other contestants run. */
final class PythonLoop implements Contestant {
    private final Process process;
    private final BufferedReader output;
    private final PrintWriter input;
    private final String name;

    private PythonLoop(String name, Process process) throws IOException {
        this.process = process;
        this.output = process.inputReader(StandardCharsets.UTF_8);
        this.input = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
        String ready = output.readLine();
        if (ready == null) {
            throw new IOException("Python has no torch and torchvision");
        }
        this.name = String.format(name, ready.replace("ready ", ""));
    }

    /**
     * Starts a script; returns an empty result if there is no Python with torch and torchvision.
     *
     * @param name the contestant's name, with %s for the version
     * @param resource a script that prints "ready VERSION", then reads numbers of steps and answers each with images
     *     per second
     */
    static Optional<PythonLoop> start(String name, String resource, String... arguments) {
        try (InputStream script = PythonLoop.class.getResourceAsStream(resource)) {
            Path file = Files.createTempFile("benchmark", ".py");
            file.toFile().deleteOnExit();
            Files.write(file, script.readAllBytes());
            List<String> command =
                    new ArrayList<>(List.of(System.getProperty("python", "/usr/bin/python3"), file.toString()));
            command.addAll(List.of(arguments));
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroy)); // it may be in a long step
            return Optional.of(new PythonLoop(name, process));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public double imagesPerSecond(int steps) {
        try {
            input.println(steps);
            return Double.parseDouble(output.readLine());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
    }
}
