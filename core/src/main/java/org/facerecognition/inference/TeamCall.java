package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.facerecognition.inference.OneDnnWorkspace.BoundPart;
import org.jspecify.annotations.Nullable;

/**
 * The execution of one image's layers by a leader and helpers. All of them take the parts of a step as they come, and
 * go on to the next step when the last part is done. A leader without helpers takes every part; so nobody has to be
 * waited for but a helper that has begun a part.
 */
final class TeamCall implements ComputeThreads.Work {
    private static final long SPIN_NANOS = 20_000; // then the processor is offered to others
    private static final long HELPER_NANOS = 1_000_000; // without work; then a helper leaves

    /** The parts of all steps. */
    static final class Parts {
        private final List<BoundPart> all = new ArrayList<>();
        private final int[] firstOfStep; // by part: the number of the first part of its step
        private final int most; // of a step

        /** @param steps the parts by step */
        Parts(List<List<BoundPart>> steps) {
            this.firstOfStep = new int[steps.stream().mapToInt(List::size).sum()];
            this.most = steps.stream().mapToInt(List::size).max().orElse(0);
            for (List<BoundPart> step : steps) {
                int first = all.size();
                for (BoundPart part : step) {
                    firstOfStep[all.size()] = first;
                    all.add(part);
                }
            }
        }
    }

    private final Parts parts;
    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();
    private volatile boolean begun;
    private volatile @Nullable Throwable failure;

    TeamCall(Parts parts) {
        this.parts = parts;
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
        takeParts(Long.MAX_VALUE, callHelpers);
        for (long start = System.nanoTime(); done.get() < parts.all.size(); ) {
            pause(start);
        }
        ComputeThreads.rethrow(failure);
    }

    @Override
    public void help() {
        takeParts(HELPER_NANOS, () -> {});
    }

    private void takeParts(long patienceNanos, Runnable beforeStep) {
        long waitingSince = 0;
        for (int part; (part = taken.get()) < parts.all.size(); ) {
            if (!begun || done.get() < parts.firstOfStep[part]) { // parts of the step before are in progress
                waitingSince = waitingSince == 0 ? System.nanoTime() : waitingSince;
                if (pause(waitingSince) > patienceNanos) {
                    return;
                }
            } else if (taken.compareAndSet(part, part + 1)) {
                waitingSince = 0;
                try {
                    if (part == parts.firstOfStep[part]) {
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
