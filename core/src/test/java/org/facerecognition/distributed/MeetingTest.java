package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ranks that torchrun starts again, in a store that its agent keeps. */
@Timeout(120)
class MeetingTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final RankStore agent = RankStore.server("127.0.0.1", 0);
    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void end() {
        threads.shutdownNow();
        agent.close();
    }

    private Launch launch(int rank, int worldSize, int restarts) {
        Map<String, String> environment = new HashMap<>();
        environment.put("TORCHELASTIC_RUN_ID", "x");
        environment.put("TORCHELASTIC_USE_AGENT_STORE", "True");
        environment.put("TORCHELASTIC_RESTART_COUNT", String.valueOf(restarts));
        environment.put("RANK", String.valueOf(rank));
        environment.put("LOCAL_RANK", "0");
        environment.put("WORLD_SIZE", String.valueOf(worldSize));
        environment.put("MASTER_ADDR", "127.0.0.1");
        environment.put("MASTER_PORT", String.valueOf(agent.port()));
        return Launch.of(environment).orElseThrow();
    }

    private Future<Distributed> join(Launch launch) {
        return threads.submit(() -> Distributed.join(launch, LIMIT));
    }

    /** Each machine counts its own failures: ranks waited for each other in vain after a failure on one of them. */
    @Test
    void ranksMeetAlthoughTheirMachinesCountDifferently() throws Exception {
        for (int[] counts : new int[][] {{0, 0, 0}, {1, 0, 0}, {1, 0, 1}}) {
            List<Future<Distributed>> group = new ArrayList<>();
            for (int rank = 2; rank >= 0; rank--) {
                group.add(join(launch(rank, 3, counts[rank])));
            }
            for (Future<Distributed> one : group) {
                assertThat(one.get().worldSize()).isEqualTo(3);
            }
            for (Future<Distributed> one : group) {
                threads.submit(one.get()::close);
            }
        }
    }

    @Test
    void whoHasCalledBeforeAndGoneIsNotWaitedFor() throws Exception {
        assertThatThrownBy(
                        () -> Meeting.of(RankStore.of(launch(1, 2, 0), LIMIT), launch(1, 2, 0), Duration.ofMillis(100)))
                .isInstanceOf(GroupFailureException.class)
                .hasMessage("rank 0 must come within 0 s, but nothing was heard of it; look at its output");
        Future<Distributed> first = join(launch(0, 2, 0));
        Thread.sleep(200); // it answers the call that nobody waits for
        Future<Distributed> second = join(launch(1, 2, 1));
        assertThat(second.get().rank()).isEqualTo(1);
        Future<?> closing = threads.submit(first.get()::close);
        second.get().close();
        closing.get();
    }

    @Test
    void aRankThatDoesNotComeIsSaid() {
        assertThatThrownBy(() -> Distributed.join(launch(0, 2, 0), Duration.ofMillis(500)))
                .isInstanceOf(GroupFailureException.class)
                .hasMessageContaining("of these nothing was heard: [1]");
    }
}
