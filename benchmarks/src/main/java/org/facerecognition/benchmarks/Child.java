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
import java.util.Optional;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * A separate process that embeds on request, for peers that cannot share this process: Python, and DJL, which brings a
 * libtorch of another version.
 *
 * <p>Once the process has embedded a first image, it prints {@code ready}, its name and its resident memory in MiB,
 * separated by tabs. It then reads lines "BATCH STEPS" and answers each with the seconds it took.
 */
final class Child implements AutoCloseable {
    private final Process process;
    private final BufferedReader output;
    private final PrintWriter input;
    private final LastLine errors;
    private final String name;
    private final double secondsToFirst;
    private final int residentMib;

    private Child(List<String> command) throws IOException {
        long start = System.nanoTime();
        this.process = start(command);
        this.errors = new LastLine(process);
        this.output = process.inputReader(StandardCharsets.UTF_8);
        this.input = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8), true);
        String line;
        do { // skip what libraries print
            line = readLine(process, output, "it", errors);
        } while (!line.startsWith("ready\t"));
        this.secondsToFirst = (System.nanoTime() - start) / 1e9;
        String[] parts = line.split("\t");
        this.name = parts[1];
        this.residentMib = Integer.parseInt(parts[2]);
    }

    /** Starts a program with as many threads as this process uses; the caller reads its error messages. */
    static Process start(List<String> command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("OMP_NUM_THREADS", String.valueOf(torch.get_num_threads()));
        Process process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy)); // it may be in the middle of a long step
        return process;
    }

    /**
     * Returns the next line that a program prints.
     *
     * @param program its name, for the message
     * @throws IOException when the program has ended instead
     */
    static String readLine(Process process, BufferedReader output, String program) throws IOException {
        return readLine(process, output, program, null);
    }

    /** Does the same and, if the program has ended, quotes its last error message. */
    static String readLine(Process process, BufferedReader output, String program, @Nullable LastLine errors)
            throws IOException {
        String line = output.readLine();
        if (line == null) {
            int status = process.onExit().join().exitValue();
            throw new IOException(program + " ended with status " + status + " before it answered"
                    + (errors == null ? "" : errors.quoted()));
        }
        return line;
    }

    /** Starts {@link InferenceChild} with the given arguments; owned. */
    static Child java(String... arguments) throws IOException {
        return new Child(inference(List.of(), arguments));
    }

    /** Starts {@link InferenceChild} in a JVM with these options, such as a file of {@link #archiveClasses}; owned. */
    static Child java(List<String> options, String... arguments) throws IOException {
        return new Child(inference(options, arguments));
    }

    /** Runs {@link InferenceChild} to its first embedding, and has the JVM write the loaded classes to a file. */
    static void archiveClasses(Path archive, String... arguments) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(inference(List.of("-XX:ArchiveClassesAtExit=" + archive), arguments))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        process.outputWriter().close(); // no more requests
        if (process.waitFor() != 0) {
            throw new IOException("the process that writes " + archive + " failed with status " + process.exitValue());
        }
    }

    private static List<String> inference(List<String> options, String... arguments) {
        List<String> command = javaCommand(InferenceChild.class);
        command.addAll(1, options);
        command.addAll(List.of(arguments));
        return command;
    }

    /** Returns the options of this process that another one needs too: the file of Python and the maximum heap. */
    static List<String> optionsOfThisProcess() {
        List<String> options = new ArrayList<>();
        options.add("-Xmx" + (Runtime.getRuntime().maxMemory() >> 20) + "m");
        Optional.ofNullable(System.getProperty("python")).ifPresent(file -> options.add("-Dpython=" + file));
        return options;
    }

    /** Returns the command that runs another main class of this program, as a list that arguments can be added to. */
    static List<String> javaCommand(Class<?> main) {
        return new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-Xss" + Main.STACK_BYTES,
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
    }

    /** Starts Python with a script of the resources and the given arguments; owned. */
    static Child python(String resource, String... arguments) throws IOException {
        List<String> command = pythonCommand(resource);
        command.addAll(List.of(arguments));
        return new Child(command);
    }

    /** Returns Python's program. */
    static String pythonFile() {
        return System.getProperty("python", "/usr/bin/python3");
    }

    /** Returns the command that runs a script of the resources in Python, as a list that arguments can be added to. */
    static List<String> pythonCommand(String resource) throws IOException {
        Path file = Files.createTempFile("benchmark", ".py");
        file.toFile().deleteOnExit();
        try (var script = Child.class.getResourceAsStream(resource)) {
            Files.write(file, script.readAllBytes());
        }
        return new ArrayList<>(List.of(pythonFile(), file.toString()));
    }

    String name() {
        return name;
    }

    /** Returns the seconds from the start of the process to the end of its first embedding. */
    double secondsToFirst() {
        return secondsToFirst;
    }

    /** Returns the resident memory in MiB after the first embedding. */
    int residentMib() {
        return residentMib;
    }

    /** Returns a contestant that embeds batches of one size in the child process, and does not end it when closed. */
    Contestant contestant(int batch) {
        return new Contestant() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public double imagesPerSecond(int steps) {
                try {
                    input.println(batch + " " + steps);
                    return batch * steps / Double.parseDouble(readLine(process, output, name, errors));
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
