package org.facerecognition.benchmarks;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import org.facerecognition.Recognizer;
import org.facerecognition.augment.Presets;
import org.facerecognition.natives.Libtorch;

/**
 * Tells whether the programs that are measured were built from the sources that are here. The times of files are
 * compared, not those of commits: Maven does not write a jar again whose content stays the same, and a build may be
 * older than the commit of what it was built from. A deleted source is noticed by its folder's time, other versions of
 * libraries by that of a {@code pom.xml}.
 */
final class Build {
    private static final String COMMAND = "mvn -q -DskipTests -pl benchmarks,examples -am clean package";

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

    /** Returns a text that changes when this program, or that of the examples, is built again. */
    static String stamp(Path root) throws IOException {
        List<Path> built = new ArrayList<>(List.of(
                location(Libtorch.class), location(Presets.class), location(Recognizer.class), location(Main.class)));
        Path examples = root.resolve(Program.JAR);
        if (Files.exists(examples)) {
            built.add(examples);
        }
        StringBuilder stamp = new StringBuilder();
        for (Path file : built) {
            Path newest = newest(file, Files::isRegularFile);
            stamp.append(newest)
                    .append(' ')
                    .append(time(newest))
                    .append(' ')
                    .append(Files.size(newest))
                    .append('\n');
        }
        return stamp.toString();
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
        Path folder = root.resolve(module);
        List<Path> sources =
                new ArrayList<>(List.of(newest(folder.resolve("src").resolve("main"), file -> true)));
        for (Path pom : List.of(root.resolve("pom.xml"), folder.resolve("pom.xml"))) { // versions of libraries
            if (Files.exists(pom)) {
                sources.add(pom);
            }
        }
        Path source =
                sources.stream().max(Comparator.comparingLong(Build::time)).orElseThrow();
        if (time(source) > time(newest(built, Files::isRegularFile))) {
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

    /** Returns what was changed last; a folder is changed when a file in it is deleted. */
    private static Path newest(Path folder, Predicate<Path> counts) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(counts)
                    .max(Comparator.comparingLong(Build::time))
                    .orElse(folder);
        }
    }

    private static long time(Path file) {
        return file.toFile().lastModified();
    }
}
