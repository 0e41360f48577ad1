package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** A contestant that does the same work in Python, in a separate process that waits while other contestants run. */
final class PythonLoop implements Contestant {
    private final Process process;
    private final BufferedReader output;
    private final PrintWriter input;
    private final LastLine errors;
    private final String name;

    private PythonLoop(String name, Process process) throws IOException {
        this.process = process;
        this.errors = new LastLine(process);
        this.output = process.inputReader(StandardCharsets.UTF_8);
        this.input = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
        String ready = Child.readLine(process, output, "it", errors); // ends if it has no torch and torchvision
        this.name = String.format(name, ready.replace("ready ", ""));
    }

    /**
     * Starts a script; prints why and returns an empty result if there is no Python with torch and torchvision.
     *
     * @param name the contestant's name, with %s for the version
     * @param resource a script that prints "ready VERSION", then reads numbers of steps and answers each with images
     *     per second
     */
    static Optional<PythonLoop> start(String name, String resource, String... arguments) {
        try {
            List<String> command = Child.pythonCommand(resource);
            command.addAll(List.of(arguments));
            return Optional.of(new PythonLoop(name, Child.start(command)));
        } catch (IOException e) {
            System.out.println("skipping Python: " + e.getMessage());
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
            return Double.parseDouble(Child.readLine(process, output, name, errors));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
    }
}
