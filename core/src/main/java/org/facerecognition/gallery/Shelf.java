package org.facerecognition.gallery;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Rows, their vectors and the index over them: what a compaction or the end of a gallery does away with, once the searches that
 * are under way have left it.
 */
final class Shelf implements AutoCloseable {
    private final Vectors vectors;
    private final SearchIndex index;
    private final Rows rows = new Rows();
    private final AtomicInteger users = new AtomicInteger(1); // the owner
    private final CountDownLatch deserted = new CountDownLatch(1);

    Shelf(int dimension, SearchMethod method) {
        this.vectors = new Vectors(dimension);
        this.index = switch (method) {
            case EXACT -> new ExactSearch(vectors);
            case CODES -> new CodeScan(vectors);
            case HNSW -> new HnswSearch(vectors);
        };
    }

    Vectors vectors() {
        return vectors;
    }

    SearchIndex index() {
        return index;
    }

    Rows rows() {
        return rows;
    }

    /** Lets the index take up the rows from this one on. */
    void indexFrom(int from) {
        index.added(from, rows.count(), rows.view());
    }

    /** Writes a row for which room was made; the index does not know it yet. */
    void add(long entry, String identity, @Nullable String note, float[] unit) {
        vectors.put(rows.count(), unit);
        rows.add(entry, identity, note);
    }

    /** @return whether it is still there; then to be {@link #leave left} */
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

    /** After {@link #leaveAndWait}, or when nobody else has known it. */
    @Override
    public void close() {
        index.close();
        vectors.close();
    }
}
