package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ParallelStreamsTest {
    private final String former = System.getProperty(Processors.PROPERTY);

    @AfterEach
    void restore() {
        if (former == null) {
            System.clearProperty(Processors.PROPERTY);
        } else {
            System.setProperty(Processors.PROPERTY, former);
        }
    }

    @Test
    void computesInTheOrderOfTheStream() {
        List<Integer> ordered = ParallelStreams.compute(
                IntStream.range(0, 1000), all -> all.map(i -> i * i).boxed().toList());
        assertThat(ordered)
                .containsExactlyElementsOf(
                        IntStream.range(0, 1000).map(i -> i * i).boxed().toList());
        int[] squares = new int[1000];
        ParallelStreams.forEach(0, 1000, i -> squares[i] = i * i);
        assertThat(squares).endsWith(998 * 998, 999 * 999).doesNotHaveDuplicates();
        ParallelStreams.forEach(7, 7, i -> squares[i] = -1);
        assertThat(squares[7]).isEqualTo(49);
    }

    @Test
    void rejectsAWrongBound() {
        System.setProperty(Processors.PROPERTY, "0");
        assertThatThrownBy(() -> ParallelStreams.forEach(0, 2, i -> {})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(ParallelStreams::pool).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void oneThreadIsTheCaller() throws Exception {
        assertThat(printed(1, 4)).isEqualTo("[main]");
    }

    @Test
    void aBoundBelowTheProcessorsHasThreadsOfItsOwn() throws Exception {
        assertThat(printed(2, 4)).isEqualTo("[face-stream-1, face-stream-2]");
    }

    /** The common pool's threads, of which there are more, did the work of a caller that was one of them. */
    @Test
    void aBoundHoldsForCallersInOtherPools() throws Exception {
        assertThat(printed(2, 8, "common")).isEqualTo("[face-stream-1, face-stream-2]");
    }

    @Test
    void theCommonPoolHelpsWhereThereIsNoLowerBound() throws Exception {
        assertThat(printed(2, 2)).isEqualTo("[ForkJoinPool.commonPool-worker-1, main]");
    }

    /** Prints which threads work, in a JVM of its own, where several wait for each other. */
    static final class Workers {
        private static final Set<String> NAMES = new ConcurrentSkipListSet<>();

        private Workers() {}

        public static void main(String[] args) {
            if (args.length == 0) {
                work();
            } else {
                CompletableFuture.runAsync(Workers::work).join();
            }
            Thread.currentThread().interrupt();
            IllegalStateException failure = new IllegalStateException("expected");
            try {
                ParallelStreams.compute(IntStream.of(1), one -> {
                    throw failure;
                });
            } catch (IllegalStateException e) {
                System.out.print(e == failure && Thread.interrupted() ? NAMES : e);
            }
        }

        private static void work() {
            CountDownLatch all = new CountDownLatch(Processors.count());
            ParallelStreams.forEach(0, 64, i -> {
                NAMES.add(Thread.currentThread().getName());
                all.countDown();
                await(all);
                ParallelStreams.forEach(
                        0, 64, j -> NAMES.add(Thread.currentThread().getName()));
            });
        }

        private static void await(CountDownLatch all) {
            try {
                if (Processors.count() > 1) {
                    all.await();
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** @param caller a word if it is to be in the common pool */
    private static String printed(int bound, int processors, String... caller) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:ActiveProcessorCount=" + processors,
                "-D" + Processors.PROPERTY + "=" + bound,
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Workers.class.getName()));
        command.addAll(List.of(caller));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }
}
