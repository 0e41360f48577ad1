package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.Recognizer;

/** Loads a model and compares two images of faces. */
public final class Step2_CompareFaces {
    private Step2_CompareFaces() {}

    /** Arguments: model file, image, image. */
    public static void main(String[] args) {
        try (Recognizer recognizer = Recognizer.load(Path.of(args[0]))) {
            float[] a = recognizer.embed(Path.of(args[1]));
            float[] b = recognizer.embed(Path.of(args[2]));
            System.out.printf("cosine %.3f: 1 is the same direction, 0 is unrelated%n", Recognizer.similarity(a, b));
        }
    }
}
