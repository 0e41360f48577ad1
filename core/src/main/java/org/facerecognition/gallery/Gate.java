package org.facerecognition.gallery;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A reference count of the readers of one state of a gallery. The writer waits on it before it erases or frees what
 * only that state refers to.
 */
final class Gate {
    private final AtomicInteger users = new AtomicInteger(1); // the writer counts as one
    private final CountDownLatch drained = new CountDownLatch(1);

    /** Returns whether the state may be read; if so, the reader must {@link #leave} afterwards. */
    boolean enter() {
        int count;
        do {
            count = users.get();
            if (count == 0) {
                return false;
            }
        } while (!users.compareAndSet(count, count + 1));
        return true;
    }

    void leave() {
        if (users.decrementAndGet() == 0) {
            drained.countDown();
        }
    }

    /**
     * Gives up the writer's reference and waits until the last reader has left. Interrupts do not end the wait, which
     * is short, because memory in use must not be freed.
     */
    void leaveAndWait() {
        leave();
        boolean interrupted = false;
        while (drained.getCount() > 0) {
            try {
                drained.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
