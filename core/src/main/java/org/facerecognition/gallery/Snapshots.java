package org.facerecognition.gallery;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Publishes snapshots of a gallery's entries in memory, for any number of readers that never wait and one writer at a
 * time. Owns the current {@link Segment}.
 */
final class Snapshots {
    private final Supplier<String> name; // of the gallery, for messages
    private volatile @Nullable Snapshot current;

    /**
     * What a reader sees, replaced as a whole by one volatile write.
     *
     * @param gate counts the readers of this state; snapshots that differ only in added rows share it
     */
    record Snapshot(Segment segment, Rows.View view, Gate gate) {
        /** Returns the row of an entry; empty if there is none. */
        Optional<Integer> row(long entry) {
            int row = view.row(entry);
            return row < 0 ? Optional.empty() : Optional.of(row);
        }

        /** Identifies each unit-norm probe; see {@link Gallery#identify(List, int, double)}. */
        List<Outcome> identify(List<float[]> probes, int topK, int efSearch, double threshold) {
            return segment.nearest(probes, view, topK, efSearch).stream()
                    .map(hits -> Outcomes.of(matches(hits), threshold))
                    .toList();
        }

        private List<Match> matches(List<Hit> hits) {
            return hits.stream().map(view::match).filter(Objects::nonNull).toList();
        }
    }

    /** Creates it without a segment; the first call must be {@link #replace}. */
    Snapshots(Supplier<String> name) {
        this.name = name;
    }

    // ---- reading ----

    /** @throws IllegalStateException if the gallery is closed */
    Snapshot current() {
        Snapshot snapshot = current;
        if (snapshot == null) {
            throw new IllegalStateException(name.get() + " is closed");
        }
        return snapshot;
    }

    /** Returns null if the gallery is closed. */
    @Nullable
    Snapshot currentOrNull() {
        return current;
    }

    /** Applies a query to a snapshot that is neither erased nor freed until the query returns. */
    <T> T read(Function<Snapshot, T> query) {
        while (true) {
            Snapshot snapshot = current();
            if (snapshot.gate.enter()) {
                try {
                    return query.apply(snapshot);
                } finally {
                    snapshot.gate.leave();
                }
            } // else a removal or a compaction has just published a new snapshot
        }
    }

    // ---- changing; one thread at a time ----

    /** Makes the rows that were added since the last snapshot visible to readers. */
    void publish() {
        Snapshot snapshot = current();
        current = new Snapshot(snapshot.segment, snapshot.segment.rows().view(), snapshot.gate);
    }

    /** Removes rows, waits until no reader uses them, and erases them. */
    void remove(int[] rows) {
        Snapshot old = current();
        Runnable erase = old.segment.remove(rows);
        current = new Snapshot(old.segment, old.segment.rows().view(), new Gate());
        old.gate.leaveAndWait();
        erase.run();
    }

    /** Publishes a new segment, and closes the old one, if any, once it has no readers. */
    void replace(Segment segment) {
        @Nullable Snapshot old = current;
        current = new Snapshot(segment, segment.rows().view(), new Gate());
        if (old != null) {
            old.gate.leaveAndWait();
            old.segment.close();
        }
    }

    /**
     * Rejects new readers, and closes the segment once the last reader has left. Closing twice has no effect.
     *
     * @param beforeClosing receives the segment before it is closed
     */
    void close(Consumer<Segment> beforeClosing) {
        @Nullable Snapshot snapshot = current;
        if (snapshot == null) {
            return;
        }
        current = null;
        try (Segment segment = snapshot.segment) {
            snapshot.gate.leaveAndWait();
            beforeClosing.accept(segment);
        }
    }
}
