package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import org.bytedeco.opencv.opencv_core.Mat;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Threads of the library that run a program's own code. */
@Timeout(60)
class ContextLoaderTest {
    private final ClassLoader former = Thread.currentThread().getContextClassLoader();
    private URLClassLoader callers;

    @BeforeEach
    void set() {
        callers = new URLClassLoader(new URL[0], former);
        Thread.currentThread().setContextClassLoader(callers);
    }

    @AfterEach
    void reset() throws IOException {
        Thread.currentThread().setContextClassLoader(former);
        callers.close();
    }

    @Test
    void anotherThreadHasItForTheTimeOfTheWork() throws InterruptedException {
        ContextLoader context = new ContextLoader();
        List<@Nullable ClassLoader> seen = new ArrayList<>();
        Thread other = new Thread(() -> {
            seen.add(context.call(() -> Thread.currentThread().getContextClassLoader()));
            seen.add(Thread.currentThread().getContextClassLoader());
        });
        other.setContextClassLoader(null);
        other.start();
        other.join();
        assertThat(seen).containsExactly(callers, null);
    }

    @Test
    void loaderThreadsHaveIt() {
        LoaderWorkers workers = new LoaderWorkers(1);
        try {
            assertThat(LoaderWorkers.await(
                            workers.submit(() -> Thread.currentThread().getContextClassLoader())))
                    .isEqualTo(callers);
        } finally {
            workers.shutdown();
        }
    }

    /** Two images that are read at the same time, so that one is read by another thread. */
    private record Meeting(CyclicBarrier both, List<@Nullable ClassLoader> seen) implements ImageSource {
        @Override
        public String name() {
            return "own";
        }

        @Override
        public Mat read() {
            throw new AssertionError("only its size and checksum are needed");
        }

        @Override
        public long contentBytes() {
            seen.add(Thread.currentThread().getContextClassLoader());
            try {
                return both.await(30, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public long contentChecksum() {
            seen.add(Thread.currentThread().getContextClassLoader());
            return 0;
        }
    }

    /** What an image's own reader could not find was absent, depending on the thread. */
    @Test
    void fingerprintsAreReadWithIt() throws Exception {
        List<@Nullable ClassLoader> seen = Collections.synchronizedList(new ArrayList<>());
        LabeledImage image = new LabeledImage(new Meeting(new CyclicBarrier(2), seen), 0);
        ForkJoinPool pool = new ForkJoinPool(2);
        try {
            pool.submit(() -> {
                        Thread.currentThread().setContextClassLoader(callers);
                        return DatasetFingerprint.ofContents(List.of(image, image));
                    })
                    .get();
        } finally {
            pool.shutdown();
        }
        assertThat(seen).hasSize(4).containsOnly(callers);
    }
}
