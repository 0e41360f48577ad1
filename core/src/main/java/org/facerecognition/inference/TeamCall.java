package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.facerecognition.inference.OneDnnWorkspace.BoundPart;
import org.jspecify.annotations.Nullable;

/**
 * The execution of one image's layers by a leader and helpers. All of them take the parts of a step as they come, and
 * go on to the next step when the last part is done. A leader without helpers takes every part; so nobody has to be
 * waited for but a helper that has begun a part. Each thread first tries to take the same part as in the step before,
 * whose results are in its cache.
 */
final class TeamCall implements ComputeThreads.Work {
    private static final long SPIN_NANOS = 20_000; // then the processor is offered to others
    private static final long HELPER_NANOS = 1_000_000; // without work; then a helper leaves

    /** The parts of all steps. */
    static final class Parts {
        private final List<BoundPart> all = new ArrayList<>();
        private final int[] firstOfStep; // by step: the number of its first part; last, the number of all parts
        private final int most; // of a step

        /** @param steps the parts by step */
        Parts(List<List<BoundPart>> steps) {
            this.firstOfStep = new int[steps.size() + 1];
            this.most = steps.stream().mapToInt(List::size).max().orElse(0);
            for (int step = 0; step < steps.size(); step++) {
                all.addAll(steps.get(step));
                firstOfStep[step + 1] = all.size();
            }
        }

        private int steps() {
            return firstOfStep.length - 1;
        }
    }

    private final Parts parts;
    private final AtomicIntegerArray taken; // by part: 1 once a thread has it
    private final AtomicInteger helpers = new AtomicInteger(); // that have come
    private final AtomicInteger done = new AtomicInteger();
    private volatile boolean begun;
    private volatile @Nullable Throwable failure;

    TeamCall(Parts parts) {
        this.parts = parts;
        this.taken = new AtomicIntegerArray(parts.all.size());
    }

    @Override
    public int usefulHelpers() {
        return parts.most - 1;
    }

    /**
     * Begins with the first step, on whose input helpers wait.
     *
     * @throws IllegalStateException when a primitive failed
     */
    @Override
    public void lead(Runnable callHelpers) {
        begun = true;
        takeParts(0, Long.MAX_VALUE, callHelpers);
        for (long start = System.nanoTime(); done.get() < parts.all.size(); ) {
            pause(start);
        }
        ComputeThreads.rethrow(failure);
    }

    @Override
    public void help() {
        if (parts.most > 1) {
            takeParts(1 + helpers.getAndIncrement() % (parts.most - 1), HELPER_NANOS, () -> {});
        }
    }

    /** @param preferred the part of each step that is taken if nobody else has it */
    private void takeParts(int preferred, long patienceNanos, Runnable beforeStep) {
        long waitingSince = 0;
        for (int step = 0; step < parts.steps(); ) {
            if (!begun || done.get() < parts.firstOfStep[step]) { // parts of the step before are in progress
                waitingSince = waitingSince == 0 ? System.nanoTime() : waitingSince;
                if (pause(waitingSince) > patienceNanos) {
                    return;
                }
                continue;
            }
            waitingSince = 0;
            int part = take(step, preferred);
            if (part < 0) {
                step++;
                continue;
            }
            try {
                if (part == parts.firstOfStep[step]) {
                    beforeStep.run();
                }
                if (failure == null) {
                    parts.all.get(part).run();
                }
            } catch (Throwable e) { // also an error: the others would take the part for done
                failure = e;
            }
            done.incrementAndGet();
        }
    }

    /** Takes a part of a step; returns -1 if all are taken. */
    private int take(int step, int preferred) {
        int first = parts.firstOfStep[step];
        int count = parts.firstOfStep[step + 1] - first;
        for (int i = 0; i < count; i++) {
            int part = first + (preferred + i) % count;
            if (taken.get(part) == 0 && taken.compareAndSet(part, 0, 1)) {
                return part;
            }
        }
        return -1;
    }

    /** Waits a moment; returns the time since a moment. */
    private static long pause(long since) {
        long waited = System.nanoTime() - since;
        if (waited < SPIN_NANOS) {
            Thread.onSpinWait();
        } else {
            Thread.yield();
        }
        return waited;
    }
}
