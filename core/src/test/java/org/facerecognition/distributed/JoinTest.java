package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.distributed.Distributed.Rank;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A program of one's own starts the ranks and passes one word from rank 0 to the others. */
@Timeout(120)
class JoinTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static Rank rank(int rank, int worldSize) {
        return new Rank(rank, worldSize, rank, "127.0.0.1");
    }

    @Test
    void aGroupOfOneExchangesNothing() {
        try (Distributed alone = Distributed.join(
                rank(0, 1),
                word -> {
                    throw new AssertionError(word);
                },
                LIMIT)) {
            assertThat(alone.worldSize()).isEqualTo(1);
        }
    }

    private static Distributed first(int worldSize, CompletableFuture<String> word, Duration limit) {
        return first(rank(0, worldSize), word, limit);
    }

    private static Distributed first(Rank me, CompletableFuture<String> word, Duration limit) {
        return Distributed.join(
                me,
                address -> {
                    word.complete(address);
                    return address;
                },
                limit);
    }

    /** It blamed rank 0, or a launcher, which were well. */
    @Test
    void anInterruptWhileTheReasonIsLookedForIsSaid() throws Exception {
        CompletableFuture<String> word = new CompletableFuture<>();
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<Distributed> first = threads.submit(() -> first(2, word, LIMIT));
            Distributed second = Distributed.join(rank(1, 2), nothing -> word.join(), LIMIT);
            CompletableFuture<String> reason = new CompletableFuture<>();
            Thread waiting = new Thread(() -> {
                try {
                    second.any(true); // rank 0 does not come
                    reason.complete("none");
                } catch (IllegalStateException e) {
                    reason.complete(e.getMessage());
                }
            });
            waiting.start();
            Thread.sleep(500);
            waiting.interrupt();
            first.get().close();
            assertThat(reason.get())
                    .startsWith("all ranks stop, because rank 1 was interrupted while it looked for the reason of: ");
            second.close();
        } finally {
            threads.shutdownNow();
        }
    }

    /** Closing twice, or failing after the end, ended in a NullPointerException that hid the reason. */
    @Test
    void aClosedGroupStaysClosed() throws Exception {
        CompletableFuture<String> word = new CompletableFuture<>();
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<Distributed> first = threads.submit(() -> first(2, word, LIMIT));
            Future<Distributed> second =
                    threads.submit(() -> Distributed.join(rank(1, 2), nothing -> word.join(), LIMIT));
            for (Distributed group : List.of(second.get(), first.get())) {
                group.close();
                group.close();
                group.failed(new IllegalStateException("of a test"));
            }
        } finally {
            threads.shutdownNow();
        }
    }

    /** As two trainings of one program under mpirun: rank 1 met the store of the former group, and was refused. */
    @Test
    void aSecondGroupAtTheSamePortFollows() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        CountDownLatch left = new CountDownLatch(1);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<String> first = threads.submit(() -> {
                Distributed group = Distributed.join(launch(0, port), LIMIT);
                left.await();
                Thread.sleep(300); // the other one is back already
                group.close();
                try (Distributed next = Distributed.join(launch(0, port), LIMIT)) {
                    return next.onFirst(() -> "second");
                }
            });
            Future<String> second = threads.submit(() -> {
                Distributed.join(launch(1, port), LIMIT).close();
                left.countDown();
                try (Distributed next = Distributed.join(launch(1, port), LIMIT)) {
                    return next.onFirst(() -> "nobody");
                }
            });
            assertThat(second.get()).isEqualTo("second");
            assertThat(first.get()).isEqualTo("second");
        } finally {
            threads.shutdownNow();
        }
    }

    private static Launch launch(int rank, int port) {
        return new Launch("Open MPI", rank, 2, rank, "127.0.0.1", port, false, RankStore.FIRST_ATTEMPT);
    }

    /** It took the place of the rank that was there, and told the others its own failure. */
    @Test
    void aRankOfAnotherTrainingDoesNotEnterAGroup() throws Exception {
        CompletableFuture<String> word = new CompletableFuture<>();
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<Distributed> first = threads.submit(() -> first(2, word, LIMIT));
            Future<Distributed> second =
                    threads.submit(() -> Distributed.join(rank(1, 2), nothing -> word.join(), LIMIT));
            try (Distributed one = first.get();
                    Distributed other = second.get()) {
                assertThatThrownBy(() -> Distributed.join(rank(1, 2), nothing -> word.join(), LIMIT))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageStartingWith("rank 1 of the group at ")
                        .hasMessageContaining(
                                ", process " + ProcessHandle.current().pid() + " already: another training");
                Future<String> heard = threads.submit(() -> other.onFirst(() -> "nobody"));
                assertThat(one.onFirst(() -> "hello")).isEqualTo("hello");
                assertThat(heard.get()).isEqualTo("hello");
            }
        } finally {
            threads.shutdownNow();
        }
    }

    /** The ranks that had come got an error of the connection, because rank 0 ended the store at once. */
    @Test
    void aRankThatDoesNotComeIsNamedToTheOthersToo() throws Exception {
        CompletableFuture<String> word = new CompletableFuture<>();
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<Distributed> first = threads.submit(() -> first(3, word, Duration.ofSeconds(3)));
            Future<Distributed> second =
                    threads.submit(() -> Distributed.join(rank(1, 3), nothing -> word.join(), Duration.ofSeconds(30)));
            assertThatThrownBy(first::get).hasMessageContaining("of these nothing was heard: [2]");
            assertThatThrownBy(second::get).hasMessageContaining("of these nothing was heard: [2]");
        } finally {
            threads.shutdownNow();
        }
    }

    /** Ranks that had written a checkpoint together seemed ahead of the others for good: another one was blamed. */
    @Test
    void whatTwoRanksSendEachOtherDoesNotChangeWhoIsWaitedFor() throws Exception {
        Duration limit = Duration.ofSeconds(5);
        CompletableFuture<String> word = new CompletableFuture<>();
        CompletableFuture<Void> end = new CompletableFuture<>();
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try {
            Future<?> first = threads.submit(() -> {
                try (Distributed group = first(3, word, limit);
                        Tensor piece = torch.zeros(2)) {
                    group.receive(piece, 1);
                    group.receive(piece, 1);
                    end.join(); // does not come to what the others do next
                }
            });
            Future<String> second = threads.submit(() -> {
                try (Distributed group = Distributed.join(rank(1, 3), nothing -> word.join(), limit);
                        Tensor piece = torch.ones(2)) {
                    group.send(piece, 0);
                    group.send(piece, 0);
                    return reasonOfWaiting(group);
                }
            });
            Future<String> third = threads.submit(() -> {
                try (Distributed group = Distributed.join(rank(2, 3), nothing -> word.join(), limit)) {
                    return reasonOfWaiting(group);
                }
            });
            for (Future<String> reason : List.of(second, third)) {
                assertThat(reason.get()).startsWith("all ranks stop, because rank 0 (");
            }
            end.complete(null);
            first.get();
        } finally {
            end.complete(null);
            threads.shutdownNow();
        }
    }

    private static String reasonOfWaiting(Distributed group) {
        return reason(() -> group.any(true));
    }

    private static String reason(Runnable work) {
        try {
            work.run();
            return "none";
        } catch (IllegalStateException e) {
            return e.getMessage();
        }
    }

    /** It was said to have been killed, or was waited for until it had been silent for long. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aRankThatLeavesTooEarlyIsSaidToHaveLeft(boolean inCollective) throws Exception {
        CompletableFuture<String> word = new CompletableFuture<>();
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            CountDownLatch joined = new CountDownLatch(1);
            Future<?> first = threads.submit(() -> {
                Distributed group = first(2, word, LIMIT);
                joined.await();
                group.close();
                return null;
            });
            Future<String> second = threads.submit(() -> {
                try (Distributed group = Distributed.join(rank(1, 2), nothing -> word.join(), LIMIT)) {
                    joined.countDown();
                    return inCollective ? reasonOfWaiting(group) : reason(() -> group.onFirst(() -> "nobody"));
                }
            });
            assertThat(second.get())
                    .startsWith("all ranks stop, because rank 0 (")
                    .endsWith(" left the group before the training ended; look at its output");
            first.get();
        } finally {
            threads.shutdownNow();
        }
    }

    /** Spark, for one, puts an IPv6 address in brackets, which libtorch took for a part of a name. */
    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "[::1]"})
    void ranksFindEachOther(String host) throws Exception {
        assumeTrue(NetworkInterface.getByInetAddress(InetAddress.getByName(host)) != null, host + " is not there");
        CompletableFuture<String> word = new CompletableFuture<>();
        Callable<String> first = () -> {
            try (Distributed group = first(new Rank(0, 2, 0, host), word, LIMIT)) {
                return group.onFirst(() -> "hello");
            }
        };
        Callable<String> second = () -> {
            try (Distributed group = Distributed.join(new Rank(1, 2, 1, host), nothing -> word.join(), LIMIT)) {
                return group.onFirst(() -> "nobody");
            }
        };
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            for (Future<String> heard : threads.invokeAll(List.of(first, second))) {
                assertThat(heard.get()).isEqualTo("hello");
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void wrongRanksAndAddressesAreRejected() {
        assertThatThrownBy(() -> Distributed.join(rank(2, 2), word -> word, LIMIT))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("rank 2 of 2");
        assertThatThrownBy(() -> Distributed.join(rank(1, 2), word -> "nowhere", LIMIT))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nowhere");
    }
}
