package org.facerecognition.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The program of the examples, run as a README shows it, in a process of its own. */
final class Program {
    static final Path JAR = Path.of("examples/target/face-recognition.jar");

    private Program() {}

    /** Runs a command and returns its last line of standard output, which {@code --json} makes a JSON object. */
    static JsonNode json(List<String> words) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(words);
        all.add("--json");
        List<String> lines = run(all).lines().toList();
        if (lines.isEmpty()) {
            throw new IOException("face-recognition printed nothing: " + String.join(" ", all));
        }
        return new ObjectMapper().readTree(lines.get(lines.size() - 1));
    }

    /** @throws IOException when the program is not built */
    static void requireJar() throws IOException {
        if (!Files.exists(JAR)) {
            throw new IOException("there is no " + JAR + "; build it with mvn -q -DskipTests -pl examples -am package");
        }
    }

    /** Returns the words that start the program, before those of a command. */
    static List<String> command() {
        return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-jar", JAR.toString());
    }

    /** Runs a command and returns its standard output; its standard error is that of this process. */
    static String run(List<String> words) throws IOException, InterruptedException {
        requireJar();
        List<String> command = new ArrayList<>(command());
        command.addAll(words);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        if (status != 0) {
            throw new IOException("face-recognition ended with status " + status + ": " + String.join(" ", words));
        }
        return output;
    }
}
