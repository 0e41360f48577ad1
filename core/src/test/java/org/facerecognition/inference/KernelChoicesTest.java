package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class KernelChoicesTest {
    @TempDir
    private Path folder;

    private static String mustBeKnown() {
        throw new AssertionError("was measured again");
    }

    @Test
    void measuresOnceAndRemembersInTheNextProcess() {
        Path file = folder.resolve("choices.properties");
        KernelChoices first = new KernelChoices(file);
        assertThat(first.choose("convolution [64, 3, 3, 3], stride 1", () -> "jit:avx2"))
                .isEqualTo("jit:avx2");
        assertThat(first.choose("convolution [64, 3, 3, 3], stride 1", KernelChoicesTest::mustBeKnown))
                .isEqualTo("jit:avx2");
        assertThat(file).doesNotExist();
        first.save();
        KernelChoices next = new KernelChoices(file);
        assertThat(next.choose("convolution [64, 3, 3, 3], stride 1", KernelChoicesTest::mustBeKnown))
                .isEqualTo("jit:avx2");
        assertThat(next.choose("another", () -> "brgconv:avx2")).isEqualTo("brgconv:avx2");
    }

    @Test
    void keepsThePrecisionOfAModelForTheNextProcess() {
        Path file = folder.resolve("choices.properties");
        KernelChoices first = new KernelChoices(file);
        assertThat(first.known("precision 0123 0.999")).isEmpty();
        first.keep("precision 0123 0.999", "bfloat16: 2.00 times as fast");
        assertThat(new KernelChoices(file).known("precision 0123 0.999")).contains("bfloat16: 2.00 times as fast");
    }

    /** A thread whose task was canceled has its channels closed by Java. */
    @Test
    void anInterruptedThreadKeepsItsChoicesToo() {
        Path file = folder.resolve("choices.properties");
        KernelChoices choices = new KernelChoices(file);
        Thread.currentThread().interrupt();
        try {
            choices.keep("precision", "bfloat16");
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(new KernelChoices(file).known("precision")).contains("bfloat16");
    }

    @Test
    void processesKeepTheChoicesOfEachOther() {
        Path file = folder.resolve("choices.properties");
        KernelChoices first = new KernelChoices(file);
        KernelChoices second = new KernelChoices(file); // both start before anything is kept
        first.choose("both", () -> "of the first");
        first.keep("precision of the first", "bfloat16");
        second.choose("both", KernelChoicesTest::mustBeKnown);
        second.choose("of the second alone", () -> "jit");
        second.save();
        assertThat(second.known("both")).contains("of the first");
        assertThat(second.known("precision of the first")).contains("bfloat16");
        KernelChoices next = new KernelChoices(file);
        assertThat(next.known("both")).contains("of the first");
        assertThat(next.known("precision of the first")).contains("bfloat16");
        assertThat(next.known("of the second alone")).contains("jit");
    }

    /** The last one used to win: embeddings of one model had another precision after the next start. */
    @Test
    void processesThatRunAtTheSameTimeHaveTheSamePrecision() {
        Path file = folder.resolve("choices.properties");
        KernelChoices first = new KernelChoices(file);
        KernelChoices second = new KernelChoices(file);
        KernelChoices third = new KernelChoices(file);
        assertThat(second.known("precision m 0.999")).isEmpty(); // and measures
        assertThat(first.keep("precision m 0.999", "bfloat16: 2.00")).isEqualTo("bfloat16: 2.00");
        assertThat(first.keep("precision m 0.999", "float32: 1.01")).isEqualTo("bfloat16: 2.00");
        assertThat(second.keep("precision m 0.999", "float32: 1.05")).isEqualTo("bfloat16: 2.00");
        assertThat(second.known("precision m 0.999")).contains("bfloat16: 2.00");
        assertThat(third.known("precision m 0.999")).contains("bfloat16: 2.00");
        assertThat(third.choose("layer", () -> "jit")).isEqualTo("jit");
        third.save();
        assertThat(first.choose("layer", KernelChoicesTest::mustBeKnown)).isEqualTo("jit");
        assertThat(new KernelChoices(file).known("precision m 0.999")).contains("bfloat16: 2.00");
    }

    /** Formerly, choices whose first saving failed were never saved. */
    @Test
    void savesLaterWhatCouldNotBeSaved() throws IOException {
        Path file = folder.resolve("later/choices");
        KernelChoices choices = new KernelChoices(file);
        choices.choose("a", () -> "measured");
        choices.keep("precision", "bfloat16");
        Files.createDirectory(file.getParent());
        KernelChoices other = new KernelChoices(file);
        assertThat(other.keep("precision", "float32")).isEqualTo("float32");
        choices.save();
        assertThat(new KernelChoices(file).choose("a", KernelChoicesTest::mustBeKnown))
                .isEqualTo("measured");
        assertThat(choices.known("precision")).contains("bfloat16"); // a network was made with it
        assertThat(new KernelChoices(file).known("precision")).contains("float32");
    }

    /** Holds a lock until its input ends. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] args) throws IOException {
            try (FileChannel channel =
                            FileChannel.open(Path.of(args[0]), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                System.out.println("locked");
                System.in.read();
            }
        }
    }

    /** A frozen process kept every other one from preparing a network. */
    @Test
    @Timeout(60)
    void doesNotWaitForeverForTheLockOfAnotherProcess() throws Exception {
        Path file = folder.resolve("choices.properties");
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Holder.class.getName(),
                        file + ".lock")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        KernelChoices choices = new KernelChoices(file, Duration.ofMillis(30));
        try {
            assertThat(holder.inputReader().readLine()).isEqualTo("locked");
            assertThat(choices.keep("precision", "bfloat16")).isEqualTo("bfloat16");
            choices.save();
            assertThat(file).doesNotExist();
        } finally {
            holder.destroyForcibly().waitFor();
        }
        choices.save();
        assertThat(new KernelChoices(file).known("precision")).contains("bfloat16");
    }

    @Test
    void aFileThatCannotBeReadOrWrittenIsNoFailure() throws IOException {
        Path broken = Files.writeString(folder.resolve("broken"), "a = \\uZZZZ");
        assertThat(new KernelChoices(broken).choose("a", () -> "measured")).isEqualTo("measured");
        KernelChoices nowhere = new KernelChoices(folder.resolve("missing/choices"));
        assertThat(nowhere.choose("a", () -> "measured")).isEqualTo("measured");
        nowhere.save();
        assertThat(nowhere.choose("a", KernelChoicesTest::mustBeKnown)).isEqualTo("measured");
    }
}
