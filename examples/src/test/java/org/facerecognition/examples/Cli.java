package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.synthetic.SyntheticFaces;

/** Runs commands as from a terminal, and creates the folders that they read. */
final class Cli {
    static final int PEOPLE = 3;
    static final int IMAGES_EACH = 6;

    private Cli() {}

    /** The exit code and the output of a command. */
    record Result(int code, String out, String err) {
        /** Parses the last line of standard output. */
        JsonNode json() {
            List<String> lines = out.lines().toList();
            try {
                return new ObjectMapper().readTree(lines.get(lines.size() - 1));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Returns a figure, which must be a number: {@code asDouble} and {@code asInt} take null for 0. */
    static double number(JsonNode figures, String name) {
        assertThat(figures.path(name).isNumber())
                .as("%s is a number: %s", name, figures)
                .isTrue();
        return figures.get(name).doubleValue();
    }

    /** Runs a command with these words. */
    static Result run(Object... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] words = Arrays.stream(args).map(Object::toString).toArray(String[]::new);
        int code = Main.run(new PrintWriter(out, true), new PrintWriter(err, true), words);
        return new Result(code, out.toString(), err.toString());
    }

    /** Returns the words that run a command in a JVM of its own; options of the JVM go behind the first. */
    static List<String> command(Object... args) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xss4m",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName()));
        Arrays.stream(args).map(Object::toString).forEach(command::add);
        return command;
    }

    /**
     * Kills a process after so many seconds, so that a test that waits for its output fails instead of hanging: nothing
     * interrupts reading from a pipe.
     */
    static Process limit(Process process, int seconds) {
        CompletableFuture<Void> kill = CompletableFuture.runAsync(
                () -> process.toHandle().destroyForcibly(),
                CompletableFuture.delayedExecutor(seconds, TimeUnit.SECONDS));
        process.onExit().thenRun(() -> kill.cancel(false));
        return process;
    }

    /** Runs {@code train} with a network and images that are small enough for a test, and with more words. */
    static Result train(Path data, Path out, Object... more) {
        return run(trainWords(data, out, more).toArray());
    }

    /** Returns the words of {@link #train}. */
    static List<Object> trainWords(Path data, Path out, Object... more) {
        List<Object> words = new ArrayList<>(List.of("train", "--data", data, "--out", out, "--json"));
        words.addAll(List.of("--layout", "folders", "--encoder", "mobilefacenet", "--image-size", 32));
        words.addAll(List.of("--embedding-size", 16, "--batch-size", 6, "--epochs", 2));
        for (Object word : more) { // replaces the default of an option
            int at = words.indexOf(word);
            if (at >= 0 && word.toString().startsWith("--") && !word.equals("--json")) {
                words.remove(at + 1);
                words.remove(at);
            }
        }
        words.addAll(Arrays.asList(more));
        return words;
    }

    /** Creates a folder of synthetic people: 3 people with 6 images each. */
    static Path faces(Path root) {
        return faces(root, PEOPLE, IMAGES_EACH);
    }

    /** Creates a folder of synthetic people. */
    static Path faces(Path root, int people, int imagesEach) {
        SyntheticFaces faces = new SyntheticFaces(0, 48);
        try {
            for (int person = 0; person < people; person++) {
                Path folder = Files.createDirectories(root.resolve("person" + person));
                for (int i = 0; i < imagesEach; i++) {
                    try (Mat rgb = faces.image(person, i);
                            Mat bgr = new Mat()) {
                        cvtColor(rgb, bgr, COLOR_RGB2BGR);
                        imwrite(folder.resolve(i + ".png").toString(), bgr);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return root;
    }
}
