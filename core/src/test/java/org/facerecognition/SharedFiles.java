package org.facerecognition;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Data that may not be part of the project: real faces and others' weights. Looked for in the folder that the
 * environment variable FACERECOGNITION_SHARED names, else in one named shared beside the project.
 */
public final class SharedFiles {
    private static final String FOLDER = System.getenv().getOrDefault("FACERECOGNITION_SHARED", "../../shared");

    private SharedFiles() {}

    /** The file or folder; where it is absent the test is skipped. */
    public static Path orSkip(String name) {
        Path path = Path.of(FOLDER).resolve(name);
        assumeTrue(Files.exists(path), () -> "skipped: " + path + " is not there; set FACERECOGNITION_SHARED");
        return path;
    }
}
