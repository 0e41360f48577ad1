package org.facerecognition.examples;

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
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.synthetic.SyntheticFaces;

/** Runs commands as from a terminal, and makes the folders they read. */
final class Cli {
    static final int PEOPLE = 3;
    static final int IMAGES_EACH = 6;

    private Cli() {}

    /** What a command left behind. */
    record Result(int code, String out, String err) {
        /** The last line of standard output. */
        JsonNode json() {
            List<String> lines = out.lines().toList();
            try {
                return new ObjectMapper().readTree(lines.get(lines.size() - 1));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    static Result run(Object... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] words = Arrays.stream(args).map(Object::toString).toArray(String[]::new);
        int code = Main.run(new PrintWriter(out, true), new PrintWriter(err, true), words);
        return new Result(code, out.toString(), err.toString());
    }

    /** {@code train} with a net and images small enough for a test, and more words. */
    static Result train(Path data, Path out, Object... more) {
        return run(trainWords(data, out, more).toArray());
    }

    static List<Object> trainWords(Path data, Path out, Object... more) {
        List<Object> words = new ArrayList<>(List.of("train", "--data", data, "--out", out, "--json"));
        words.addAll(List.of("--layout", "folders", "--encoder", "resnet18", "--image-size", 32));
        words.addAll(List.of("--embedding-size", 16, "--batch-size", 6, "--epochs", 2));
        for (Object word : more) { // a later word wins
            int at = words.indexOf(word);
            if (at >= 0 && word.toString().startsWith("--") && !word.equals("--json")) {
                words.remove(at + 1);
                words.remove(at);
            }
        }
        words.addAll(Arrays.asList(more));
        return words;
    }

    /** A folder of drawn people: 3 of them, 6 images each. */
    static Path faces(Path root) {
        return faces(root, PEOPLE, IMAGES_EACH);
    }

    /** A folder of painted people. */
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
