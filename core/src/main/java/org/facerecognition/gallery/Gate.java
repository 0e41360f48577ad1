package org.facerecognition.gallery;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** Knows whether anybody still reads one state of a gallery; when nobody does, what only that state has can go. */
final class Gate {
    private final AtomicInteger users = new AtomicInteger(1); // the owner
    private final CountDownLatch deserted = new CountDownLatch(1);

    /** @return whether the state is still to be read; then to be {@link #leave left} */
    boolean enter() {
        int now;
        do {
            now = users.get();
            if (now == 0) {
                return false;
            }
        } while (!users.compareAndSet(now, now + 1));
        return true;
    }

    void leave() {
        if (users.decrementAndGet() == 0) {
            deserted.countDown();
        }
    }

    /** The owner leaves, and waits for the searches under way: short, and memory in use must not be freed. */
    void leaveAndWait() {
        leave();
        boolean interrupted = false;
        while (deserted.getCount() > 0) {
            try {
                deserted.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
