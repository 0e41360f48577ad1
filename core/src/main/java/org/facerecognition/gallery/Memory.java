package org.facerecognition.gallery;

import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What a gallery has in memory: for any number of readers, who wait for nobody, and one writer at a time. */
final class Memory {
    private final Supplier<String> name; // of the gallery, for messages
    private volatile @Nullable State current;

    /** What readers see, all of it at one stroke. */
    record State(Segment shelf, Rows.View view, Gate gate) {}

    /** Without a shelf, until one is {@link #put}. */
    Memory(Supplier<String> name) {
        this.name = name;
    }

    // ---- reading ----

    /** @throws IllegalStateException when the gallery is closed */
    State state() {
        State state = current;
        if (state == null) {
            throw new IllegalStateException(name.get() + " is closed");
        }
        return state;
    }

    /** Null when the gallery is closed. */
    @Nullable
    State stateOrNull() {
        return current;
    }

    /** Asks a state that nobody erases or frees meanwhile. */
    <T> T reading(Function<State, T> ask) {
        while (true) {
            State state = state();
            if (state.gate.enter()) {
                try {
                    return ask.apply(state);
                } finally {
                    state.gate.leave();
                }
            } // else a removal or a compaction has just put another in its place
        }
    }

    // ---- changing; one thread at a time ----

    /** Lets readers see rows that were added since. */
    void publish() {
        State state = state();
        current = new State(state.shelf, state.shelf.rows().view(), state.gate);
    }

    /** Removes rows, waits until nobody reads them, and erases them. */
    void remove(int[] rows) {
        State former = state();
        Runnable erase = former.shelf.remove(rows);
        current = new State(former.shelf, former.shelf.rows().view(), new Gate());
        former.gate.leaveAndWait();
        erase.run();
    }

    /** Puts a shelf in the place of the former one, if there is one, which is closed once nobody reads it. */
    void put(Segment shelf) {
        @Nullable State former = current;
        current = new State(shelf, shelf.rows().view(), new Gate());
        if (former != null) {
            former.gate.leaveAndWait();
            former.shelf.close();
        }
    }

    /**
     * Lets nobody read any more, and closes the shelf once nobody does.
     *
     * @param before gets the shelf before it is closed; a second time it gets nothing
     */
    void close(Consumer<Segment> before) {
        @Nullable State state = current;
        if (state == null) {
            return;
        }
        current = null;
        try (Segment shelf = state.shelf) {
            state.gate.leaveAndWait();
            before.accept(shelf);
        }
    }
}
