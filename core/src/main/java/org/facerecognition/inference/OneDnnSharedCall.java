package org.facerecognition.inference;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/** A call whose images several threads take in shares. One that comes late finds none left. */
final class OneDnnSharedCall implements ComputeThreads.Work {
    /** Embeds a share of the images, on the current thread. */
    interface Share {
        void run(int from, int size);
    }

    private final ComputeThreads threads;
    private final Share share;
    private final int images;
    private final int[] ends; // of the shares
    private final AtomicInteger taken = new AtomicInteger(); // shares
    private final AtomicInteger done = new AtomicInteger(); // images
    private final CountDownLatch finished = new CountDownLatch(1);
    private volatile @Nullable Throwable failure;

    /**
     * @param sizes of the shares; at least one
     * @param share is run for each of them
     */
    OneDnnSharedCall(ComputeThreads threads, List<Integer> sizes, Share share) {
        this.threads = threads;
        this.share = share;
        this.ends = sizes.stream().mapToInt(Integer::intValue).toArray();
        for (int i = 1; i < ends.length; i++) {
            ends[i] += ends[i - 1];
        }
        this.images = ends[ends.length - 1];
    }

    @Override
    public int usefulHelpers() {
        return ends.length - 1;
    }

    @Override
    public void help() {
        takeShares(() -> {});
    }

    private void takeShares(Runnable beforeShare) {
        for (int index; (index = taken.getAndIncrement()) < ends.length; ) {
            int from = index == 0 ? 0 : ends[index - 1];
            int size = ends[index] - from;
            try (PointerScope scope = new PointerScope()) {
                beforeShare.run();
                if (failure == null) {
                    threads.compute(() -> share.run(from, size));
                }
            } catch (Throwable e) {
                failure = e;
            }
            if (done.addAndGet(size) == images) {
                finished.countDown();
            }
        }
    }

    @Override
    public void lead(Runnable callHelpers) {
        takeShares(callHelpers);
        ComputeThreads.uninterruptibly(finished);
        ComputeThreads.rethrow(failure);
    }
}
