package org.facerecognition.benchmarks;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import org.facerecognition.Recognizer;
import org.facerecognition.augment.Presets;
import org.facerecognition.natives.Libtorch;

/**
 * Tells whether the programs that are measured were built from the sources that are here. The times of files are
 * compared, not those of commits: Maven does not write a jar again whose content stays the same, and a build may be
 * older than the commit of what it was built from.
 */
final class Build {
    private static final String COMMAND = "mvn -q -DskipTests -pl benchmarks,examples -am package";

    private Build() {}

    /**
     * Checks this program.
     *
     * @param root of the repository
     * @throws IllegalArgumentException when a source is newer than what runs
     */
    static void requireCurrent(Path root) throws IOException {
        requireCurrent(root, "losses", location(Libtorch.class));
        requireCurrent(root, "augment", location(Presets.class));
        requireCurrent(root, "core", location(Recognizer.class));
        requireCurrent(root, "benchmarks", location(Main.class));
    }

    /** Checks the program of the examples in the same way. */
    static void requireCurrentExamples(Path root) throws IOException {
        requireCurrent(root, "examples", root.resolve(Program.JAR));
        Path libraries = root.resolve(Program.JAR).resolveSibling("lib");
        for (String module : List.of("losses", "augment", "core")) {
            try (var jars = Files.newDirectoryStream(libraries, "face-recognition-" + module + "-*.jar")) {
                for (Path jar : jars) {
                    requireCurrent(root, module, jar);
                }
            }
        }
    }

    /** @param built a jar, or a folder of classes */
    static void requireCurrent(Path root, String module, Path built) throws IOException {
        Path source = newest(root.resolve(module).resolve("src").resolve("main"));
        if (time(source) > time(newest(built))) {
            throw new ArgumentException(
                    built + " must be newer than " + source + ", but is older; rebuild first: " + COMMAND);
        }
    }

    private static Path location(Class<?> type) throws IOException {
        try {
            return Path.of(
                    type.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }

    private static Path newest(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .max(Comparator.comparingLong(Build::time))
                    .orElse(folder);
        }
    }

    private static long time(Path file) {
        return file.toFile().lastModified();
    }
}
