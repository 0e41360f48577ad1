package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.Recognizer;

/** Loads a model and compares two images of faces. */
public final class Step2_CompareFaces {
    private Step2_CompareFaces() {}

    /** Prints the cosine of two embeddings. Arguments: a model file and two images. */
    public static void main(String[] args) {
        try (Recognizer recognizer = Recognizer.load(Path.of(args[0]))) {
            float[] a = recognizer.embed(Path.of(args[1]));
            float[] b = recognizer.embed(Path.of(args[2]));
            System.out.printf(
                    "cosine %.3f: 1 for the same direction, 0 for unrelated faces%n", Recognizer.similarity(a, b));
        }
    }
}
