package org.facerecognition.inference;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.facerecognition.natives.OpenMpTeam;
import org.facerecognition.natives.Processors;

/**
 * The threads that run prepared networks: one worker for each processor, each with an OpenMP team of one, and a leader
 * whose team has all processors. All networks of a process share them.
 *
 * <p>OpenMP splits each layer, and at its end every thread of the team waits for the slowest: beside another program,
 * for one that is not running. Workers take whole images instead, and never wait for one another. The leader is for an
 * image that is alone, when there is nothing else to share out.
 *
 * <p>Threads that have nothing to do for a minute end.
 */
final class ComputeThreads {
    private static final long IDLE_SECONDS = 60;

    private final int count;
    private final ThreadPoolExecutor workers;
    private final ThreadPoolExecutor leader;

    private static final class Shared {
        static final ComputeThreads THREADS = new ComputeThreads(Processors.count());
    }

    /** @param count the number of workers, and of the leader's team */
    ComputeThreads(int count) {
        this.count = count;
        this.workers = pool(count, 1, "face-compute-");
        this.leader = pool(1, count, "face-compute-leader-");
    }

    /** Returns the threads that all networks share; there are as many as {@link Processors} says at the first call. */
    static ComputeThreads shared() {
        return Shared.THREADS;
    }

    private static ThreadPoolExecutor pool(int threads, int teamSize, String name) {
        AtomicInteger number = new AtomicInteger();
        ThreadFactory factory = work -> {
            Thread thread = new Thread(
                    () -> {
                        OpenMpTeam.ofThisThread(teamSize);
                        work.run();
                    },
                    name + number.incrementAndGet());
            thread.setDaemon(true);
            thread.setContextClassLoader(null); // that of the first caller could never be unloaded
            return thread;
        };
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), factory);
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** Returns the number of workers, and of threads in the leader's team. */
    int count() {
        return count;
    }

    /** Returns whether no worker has or awaits work; another call may change that at any time. */
    boolean areIdle() {
        return workers.getActiveCount() == 0 && leader.getActiveCount() == 0;
    }

    /** Queues work for the workers. */
    void execute(Runnable work) {
        workers.execute(work);
    }

    /** Queues work for the leader. */
    void executeOnLeader(Runnable work) {
        leader.execute(work);
    }
}
