package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The same training in Python's PyTorch, in a process of its own that waits while others run. */
final class PythonLoop implements Contestant {
    private final Process process;
    private final BufferedReader answers;
    private final PrintWriter orders;
    private final String version;

    private PythonLoop(Process process) throws IOException {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.orders = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
        String ready = answers.readLine();
        if (ready == null) {
            throw new IOException("Python has no torch and torchvision");
        }
        this.version = ready.replace("ready ", "");
    }

    /** Empty where there is no Python with torch and torchvision. */
    static Optional<PythonLoop> start() {
        try (InputStream script = PythonLoop.class.getResourceAsStream("train_resnet34.py")) {
            Path file = Files.createTempFile("train_resnet34", ".py");
            file.toFile().deleteOnExit();
            Files.write(file, script.readAllBytes());
            return Optional.of(
                    new PythonLoop(new ProcessBuilder(System.getProperty("python", "/usr/bin/python3"), file.toString())
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public String name() {
        return "Python PyTorch " + version + ", channels_last, fp32";
    }

    @Override
    public double imagesPerSecond(int steps) {
        try {
            orders.println(steps);
            return Double.parseDouble(answers.readLine());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
    }
}
