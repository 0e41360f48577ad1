package org.facerecognition;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Finds files that cannot be part of the project, such as real faces and pretrained weights, in the folder that the
 * environment variable FACERECOGNITION_SHARED names, by default the folder {@code shared} beside the project.
 */
public final class SharedFiles {
    private static final String FOLDER = System.getenv().getOrDefault("FACERECOGNITION_SHARED", "../../shared");

    private SharedFiles() {}

    /** Returns the path of a file or folder, or skips the test if it does not exist. */
    public static Path orSkip(String name) {
        Path path = Path.of(FOLDER).resolve(name);
        assumeTrue(Files.exists(path), () -> "skipped: " + path + " does not exist; set FACERECOGNITION_SHARED");
        return path;
    }
}
