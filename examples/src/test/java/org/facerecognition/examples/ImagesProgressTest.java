package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The lines that commands print on standard error where it is no terminal. */
class ImagesProgressTest {
    private static final long SECOND = 1_000_000_000L;

    private final StringWriter written = new StringWriter();
    private final AtomicLong now = new AtomicLong(-SECOND);

    private ImagesProgress progress(int images) {
        return new ImagesProgress(new PrintWriter(written), "embedding", images, false, now::get);
    }

    private void step(ImagesProgress progress, int images, int secondsEach) {
        for (int i = 0; i < images; i++) {
            now.addAndGet(secondsEach * SECOND);
            progress.step();
        }
    }

    @Test
    void aLineEveryTenSeconds() {
        try (ImagesProgress progress = progress(1_000)) {
            step(progress, 25, 1);
        }
        assertThat(written.toString().lines())
                .containsExactly(
                        "embedding: 11 of 1,000 images  1.0 images/s  16:29 left",
                        "embedding: 22 of 1,000 images  1.0 images/s  16:18 left");
    }

    @Test
    void nothingInShorterRuns() {
        try (ImagesProgress progress = progress(10)) {
            step(progress, 10, 1);
        }
        try (ImagesProgress progress = progress(5)) {
            step(progress, 5, 60);
        }
        assertThat(written.toString()).isEmpty();
    }

    @Test
    void threadsStepTogether() {
        try (ImagesProgress progress = progress(1_000)) {
            IntStream.range(0, 999).parallel().forEach(i -> progress.step());
            step(progress, 1, 20);
        }
        assertThat(written.toString()).startsWith("embedding: 1,000 of 1,000 images  50.0 images/s");
    }
}
