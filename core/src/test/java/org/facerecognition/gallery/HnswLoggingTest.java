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
 * JVector's advice is not heard, and its loggers are as the program left them. In a process of its own: it is given
 * once.
 */
class HnswLoggingTest {
    @TempDir
    Path folder;

    @Test
    @Timeout(120)
    void aGalleryIsSilentAndLeavesTheLevelsAlone() throws Exception {
        assertThat(opened("none")).containsExactly("0 records", "level null");
    }

    /** It also shows that there is something to be silent about. */
    @Test
    @Timeout(120)
    void aLevelThatTheProgramHasSetIsKept() throws Exception {
        List<String> said = opened("ALL");
        assertThat(said).hasSize(2).last().isEqualTo("level ALL");
        assertThat(said).first().asString().matches("[1-9]\\d* records");
    }

    private List<String> opened(String level) throws IOException, InterruptedException {
        Path out = folder.resolve("out-" + level);
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
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

    /** Uses two galleries at once; tells what was logged, and the level afterwards. */
    static final class Child {
        private static final Logger ADVISER = // held, so that it stays the same one
                Logger.getLogger("io.github.jbellis.jvector.vector.VectorizationProvider");

        private Child() {}

        public static void main(String[] args) {
            Records records = new Records();
            Logger.getLogger("").addHandler(records);
            if (!args[0].equals("none")) {
                ADVISER.setLevel(Level.parse(args[0]));
            }
            IntStream.range(0, 2).parallel().forEach(i -> use());
            System.out.println(records.count + " records");
            System.out.println("level " + ADVISER.getLevel());
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
            // nothing is kept back
        }

        @Override
        public void close() {
            // nothing is open
        }
    }
}
