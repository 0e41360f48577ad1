package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * HNSW galleries suppress JVector's warning and do not change the levels of its loggers. The tests run in child
 * processes, because JVector logs the warning once per process.
 */
class HnswLoggingTest {
    @TempDir
    Path folder;

    @Test
    @Timeout(120)
    void suppressesTheWarningAndRestoresTheLevel() throws Exception {
        assertThat(runChild("none")).containsExactly("0 records", "level null");
    }

    /** This also shows that there is a warning to suppress. */
    @Test
    @Timeout(120)
    void keepsALevelThatTheProgramHasSet() throws Exception {
        List<String> output = runChild("ALL");
        assertThat(output).hasSize(2).last().isEqualTo("level ALL");
        assertThat(output).first().asString().matches("[1-9]\\d* records");
    }

    private List<String> runChild(String level) throws IOException, InterruptedException {
        Path out = folder.resolve("out-" + level);
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName(),
                        level)
                .redirectOutput(out.toFile())
                .redirectError(folder.resolve("err-" + level).toFile())
                .start();
        try {
            assertThat(child.waitFor()).isZero();
        } finally {
            child.destroyForcibly();
        }
        return Files.readAllLines(out);
    }

    /** Uses two galleries concurrently, and prints the number of log records and the level afterwards. */
    static final class Child {
        private static final Logger LOGGER = // a strong reference, because loggers can be garbage-collected
                Logger.getLogger("io.github.jbellis.jvector.vector.VectorizationProvider");

        private Child() {}

        public static void main(String[] args) {
            Records records = new Records();
            Logger.getLogger("").addHandler(records);
            if (!args[0].equals("none")) {
                LOGGER.setLevel(Level.parse(args[0]));
            }
            IntStream.range(0, 2).parallel().forEach(i -> use());
            System.out.println(records.count + " records");
            System.out.println("level " + LOGGER.getLevel());
        }

        private static void use() {
            try (Gallery gallery = Gallery.inMemory("model", 32, SearchMethod.HNSW)) {
                for (int i = 0; i < 40; i++) {
                    gallery.enroll(String.format(Locale.ROOT, "person %d", i), TestFaces.direction(i, 32), null);
                }
                gallery.identify(TestFaces.direction(3, 32), 5, 0.1);
            }
        }
    }

    private static final class Records extends Handler {
        private int count;

        @Override
        public synchronized void publish(LogRecord event) {
            count++;
        }

        @Override
        public void flush() {
            // records are not buffered
        }

        @Override
        public void close() {
            // there is nothing to close
        }
    }
}
