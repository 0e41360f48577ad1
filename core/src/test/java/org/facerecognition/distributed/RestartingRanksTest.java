package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Restarts groups that are not processes but only end as a test wants. */
class RestartingRanksTest {
    private static final GroupEnding LOST = new GroupEnding(137, "rank 1 was killed", true);
    private static final GroupEnding DIVERGED = new GroupEnding(1, "rank 0 failed: the loss is NaN", false);

    private final List<String> started = new ArrayList<>();
    private final List<String> messages = new ArrayList<>();
    private final Deque<String> checkpoints = new ArrayDeque<>();
    private int closed;

    private GroupEnding run(int maxRestarts, GroupEnding... endings) throws InterruptedException {
        Deque<GroupEnding> next = new ArrayDeque<>(List.of(endings));
        try (RestartingRanks ranks = new RestartingRanks(
                new RestartPolicy(maxRestarts, 1, Duration.ofMillis(5)),
                2,
                (count, restart) -> group(count, restart, next.remove()),
                () -> checkpoints.size() > 1 ? checkpoints.remove() : checkpoints.isEmpty() ? "" : checkpoints.peek(),
                messages::add)) {
            return ranks.run();
        }
    }

    private RestartingRanks.Group group(int count, int restart, GroupEnding ending) {
        started.add(count + " ranks, restart " + restart);
        return new RestartingRanks.Group() {
            @Override
            public GroupEnding await() {
                return ending;
            }

            @Override
            public void close() {
                closed++;
            }
        };
    }

    @Test
    void aGroupThatFinishesIsNotRestarted() throws InterruptedException {
        assertThat(run(3, GroupEnding.FINISHED)).isEqualTo(GroupEnding.FINISHED);
        assertThat(started).containsExactly("2 ranks, restart 0");
        assertThat(messages).isEmpty();
        assertThat(closed).isPositive();
    }

    @Test
    void aLostRankRestartsTheGroupFromItsCheckpoint() throws InterruptedException {
        checkpoints.addAll(List.of("", "step 5"));
        assertThat(run(3, LOST, GroupEnding.FINISHED)).isEqualTo(GroupEnding.FINISHED);
        assertThat(started).containsExactly("2 ranks, restart 0", "2 ranks, restart 1");
        assertThat(messages)
                .containsExactly(
                        "rank 1 was killed; restart 1 of 3 in 0 s, with 2 processes, from step 5",
                        "finished after 1 restart");
    }

    @Test
    void aFailureThatWouldRecurIsNotRestarted() throws InterruptedException {
        assertThat(run(3, DIVERGED)).isEqualTo(DIVERGED);
        assertThat(started).hasSize(1);
        assertThat(messages).as("the rank has said it").isEmpty();
    }

    @Test
    void withoutRestartsTheFirstLossIsTheEnd() throws InterruptedException {
        assertThat(run(0, LOST)).isEqualTo(LOST);
        assertThat(messages).as("the other ranks have said it").isEmpty();
    }

    @Test
    void whenRestartsAreUsedUpTheReasonIsSaid() throws InterruptedException {
        assertThat(run(1, LOST, LOST)).isEqualTo(LOST);
        assertThat(messages).last().isEqualTo("error: rank 1 was killed, after 1 restart; continue with --resume");
    }

    /** It ended the whole run, with restarts left. */
    @Test
    void aGroupThatCannotBeStartedAgainIsLostToo() throws InterruptedException {
        Deque<GroupEnding> endings = new ArrayDeque<>(List.of(LOST, GroupEnding.FINISHED));
        Deque<String> found = new ArrayDeque<>(List.of("step 5", "", "step 5"));
        try (RestartingRanks ranks = new RestartingRanks(
                new RestartPolicy(3, 2, Duration.ofMillis(5)),
                2,
                (count, restart) -> {
                    if (restart == 1) {
                        throw new IllegalStateException("cannot start java: error=11, Resource unavailable");
                    }
                    return group(count, restart, endings.remove());
                },
                () -> {
                    String checkpoint = found.remove();
                    if (checkpoint.isEmpty()) {
                        throw new IllegalStateException("stale file handle");
                    }
                    return checkpoint;
                },
                messages::add)) {
            assertThat(ranks.run()).isEqualTo(GroupEnding.FINISHED);
        }
        assertThat(started).containsExactly("2 ranks, restart 0", "2 ranks, restart 2");
        assertThat(messages)
                .containsExactly(
                        "rank 1 was killed; restart 1 of 3 in 0 s, with 2 processes, from step 5",
                        "cannot start java: error=11, Resource unavailable; restart 2 of 3 in 0 s, with 2 processes,"
                                + " from step 5",
                        "finished after 2 restarts");
    }

    @Test
    void groupsWithoutANewCheckpointShrinkAndGrowAgainAfterOne() throws InterruptedException {
        checkpoints.addAll(List.of("", "", "", "step 5"));
        run(3, LOST, LOST, LOST, GroupEnding.FINISHED);
        assertThat(started)
                .containsExactly(
                        "2 ranks, restart 0", "2 ranks, restart 1", "1 ranks, restart 2", "2 ranks, restart 3");
        assertThat(messages.get(0)).contains("in 0 s, with 2 processes, from the beginning");
        assertThat(messages.get(1)).contains("in 0 s, with 1 process, from the beginning");
        assertThat(messages.get(2)).contains("in 0 s, with 2 processes, from step 5");
    }

    /** A group that ends because it was asked to stop must not be started again. */
    @Test
    void afterCloseNoGroupIsStarted() throws InterruptedException {
        CountDownLatch stopped = new CountDownLatch(1);
        try (RestartingRanks ranks = new RestartingRanks(
                new RestartPolicy(3, 1),
                2,
                (count, restart) -> {
                    started.add("group");
                    return new RestartingRanks.Group() {
                        @Override
                        public GroupEnding await() throws InterruptedException {
                            stopped.await();
                            return LOST;
                        }

                        @Override
                        public void close() {
                            stopped.countDown();
                        }
                    };
                },
                () -> "",
                messages::add)) {
            Thread closing = new Thread(ranks::close);
            closing.start();
            try {
                ranks.run();
            } catch (IllegalStateException e) {
                assertThat(e).hasMessage("the processes are asked to stop"); // closed before it began
            }
            closing.join();
        }
        assertThat(started).hasSizeLessThanOrEqualTo(1);
        assertThat(messages).isEmpty();
    }
}
