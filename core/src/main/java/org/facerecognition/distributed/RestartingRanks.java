package org.facerecognition.distributed;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs a group of ranks, and starts it again from its last checkpoint when a rank was lost. A training that continues
 * from a checkpoint takes the same steps as one that was never interrupted, so that restarts with the same number of
 * ranks do not change its result.
 */
public final class RestartingRanks implements AutoCloseable {
    private final RestartPolicy policy;
    private final int ranks;
    private final Starter starter;
    private final Supplier<String> checkpoint;
    private final Consumer<String> messages;
    private final CountDownLatch closed = new CountDownLatch(1);
    private @Nullable Group running;

    /** Ranks that run together. {@link LocalRanks} are. */
    public interface Group extends AutoCloseable {
        /** Waits until all ranks have ended. */
        GroupEnding await() throws InterruptedException;

        /** Ends the ranks that still run. */
        @Override
        void close();
    }

    /** Starts groups. */
    @FunctionalInterface
    public interface Starter {
        /**
         * Starts a group.
         *
         * @param ranks their number
         * @param restart number of the restart; 0 for the first group. Later ones continue from the last checkpoint,
         *     if there is one
         * @return owned by the caller
         */
        Group start(int ranks, int restart);
    }

    /**
     * @param ranks number of ranks of the first group, at least 1
     * @param checkpoint names the last checkpoint, with another name for each; empty when there is none
     * @param messages receives one line for each restart, and one at the end if there were any
     */
    public RestartingRanks(
            RestartPolicy policy, int ranks, Starter starter, Supplier<String> checkpoint, Consumer<String> messages) {
        this.policy = policy;
        this.ranks = ranks;
        this.starter = starter;
        this.checkpoint = checkpoint;
        this.messages = messages;
    }

    /**
     * Runs groups until one finishes, fails for a reason that a restart would not change, or the restarts are used up.
     * After a restart, a group that cannot be started counts as lost.
     *
     * @return how the last group has ended
     * @throws RuntimeException when the first group cannot be started, or the checkpoint cannot be read before it
     */
    public GroupEnding run() throws InterruptedException {
        String reached = checkpoint.get();
        int count = ranks;
        int failuresInARow = 0;
        for (int restart = 0; ; restart++) {
            GroupEnding ending = runGroup(count, restart);
            if (!ending.lost() || isClosed() || restart == policy.maxRestarts()) {
                reportEnd(ending, restart);
                return ending;
            }
            String now = checkpointOr(reached);
            failuresInARow = now.equals(reached) ? failuresInARow + 1 : 1;
            reached = now;
            count = policy.ranks(ranks, failuresInARow);
            Duration pause = policy.pause(failuresInARow);
            messages.accept(ending.reason() + "; restart " + (restart + 1) + " of " + policy.maxRestarts() + " in "
                    + pause.toSeconds() + " s, with " + count(count, "process", "processes") + ", from "
                    + (now.isEmpty() ? "the beginning" : now));
            if (closed.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                return ending;
            }
        }
    }

    private GroupEnding runGroup(int count, int restart) throws InterruptedException {
        Group started;
        try {
            started = start(count, restart);
        } catch (RuntimeException | OutOfMemoryError e) {
            if (restart == 0 || isClosed()) {
                throw e;
            }
            return new GroupEnding(1, e.getMessage() == null ? e.toString() : e.getMessage(), true);
        }
        try (Group group = started) {
            return group.await();
        }
    }

    /** Names the last checkpoint, or the one before where it cannot be read now. */
    private String checkpointOr(String former) {
        try {
            return checkpoint.get();
        } catch (RuntimeException e) {
            return former;
        }
    }

    /** Under the lock, so that no group is started after {@link #close}. */
    private synchronized Group start(int count, int restart) {
        if (isClosed()) {
            throw new IllegalStateException("the processes are asked to stop");
        }
        Group group = starter.start(count, restart);
        running = group;
        return group;
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    private void reportEnd(GroupEnding ending, int restarts) {
        if (ending.lost() && policy.maxRestarts() > 0 && !isClosed()) {
            messages.accept("error: " + ending.reason() + ", after " + count(restarts, "restart", "restarts")
                    + "; continue with --resume");
        } else if (ending.equals(GroupEnding.FINISHED) && restarts > 0) {
            messages.accept("finished after " + count(restarts, "restart", "restarts"));
        }
    }

    private static String count(int number, String one, String several) {
        return number + " " + (number == 1 ? one : several);
    }

    /** Ends the running group and starts no further one; may be called by any thread. */
    @Override
    public void close() {
        @Nullable Group last;
        synchronized (this) {
            closed.countDown();
            last = running;
        }
        if (last != null) {
            last.close();
        }
    }
}
