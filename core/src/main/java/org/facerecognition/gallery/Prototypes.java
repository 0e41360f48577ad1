package org.facerecognition.gallery;

import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The prototypes that an approximate search compares first: for each identity, the mean of the rows that are similar to
 * each other; a dissimilar row is a prototype by itself. An identity of ten similar images has one prototype instead of
 * ten, and the mean is nearer to another image of the identity than any of the ten is: 0.75 for images whose cosine to
 * each other is 0.6.
 *
 * <p>One thread adds; any number of threads may read concurrently.
 */
/*
 * The vector of a prototype never changes once it is in the graph, because the edges of the graph were chosen for it.
 * If a prototype has four times as many rows as its vector is the mean of, and their mean has moved, a new prototype
 * replaces it. The old one remains as a path through the graph, and is found only by readers of earlier views. If one
 * of its rows is removed, a new prototype of the remaining rows replaces it too; once no reader uses an earlier view,
 * nothing is left of the old one but its node in the graph.
 *
 * Rows are added to a prototype by giving it a longer array, so that readers see either the old or the new one.
 * MAX_ROWS bounds the length of the array, and the number of rows that a search compares per prototype.
 */
final class Prototypes implements AutoCloseable {
    static final double MIN_SIMILARITY = 0.4; // cosine to the prototype; most genuine pairs reach it
    static final double MIN_MEAN_SIMILARITY = 0.9; // cosine to the new mean; below it, the mean has moved
    static final int GROWTH = 4;
    static final int MAX_ROWS = 64;
    static final int MAX_COMPARED = 16; // the newest prototypes of an identity that has very many
    private static final int NEVER = Integer.MAX_VALUE;

    private final Vectors vectors;
    private final Vectors means;
    private volatile Prototype[] prototypes = new Prototype[16]; // valid up to count
    private volatile int count;
    private @Nullable Prototype[] newest = new Prototype[16]; // by group
    private int meanCount;

    private static final class Prototype {
        final int number;
        int slot; // of its vector: a row of the vectors if >= 0, else ~row of the means
        int averaged; // its vector is the mean of this many rows, the first ones
        final @Nullable Prototype previous; // of the same identity
        volatile int[] rows; // ascending
        volatile int replacedAt = NEVER; // hidden from views of at least this many rows; 0 if erased

        Prototype(int number, int slot, int[] rows, @Nullable Prototype previous) {
            this.number = number;
            this.slot = slot;
            this.averaged = rows.length;
            this.rows = rows;
            this.previous = previous;
        }
    }

    Prototypes(Vectors vectors) {
        this.vectors = vectors;
        this.means = new Vectors(vectors.dimension());
    }

    /** Returns the number of prototypes, including replaced ones. They are numbered from 0. */
    int count() {
        return count;
    }

    /**
     * Adds rows.
     *
     * @param from inclusive
     * @param to exclusive
     * @param view that contains the rows; published next
     */
    void add(int from, int to, Rows.View view) {
        int first = count;
        List<Prototype> grown = new ArrayList<>();
        for (int row = from; row < to; row++) {
            int group = view.group(row);
            Prototype similar = similar(group, vectors.get(row));
            if (similar == null) {
                add(row, new int[] {row}, group);
            } else {
                int[] rows = Arrays.copyOf(similar.rows, similar.rows.length + 1);
                rows[rows.length - 1] = row;
                similar.rows = rows;
                if (similar.number < first && rows.length >= GROWTH * similar.averaged) {
                    grown.add(similar);
                }
            }
        }
        for (int number = first; number < count; number++) { // these have no readers yet
            Prototype added = prototypes[number];
            added.averaged = added.rows.length;
            added.slot = added.averaged == 1 ? added.slot : addMean(mean(added.rows));
        }
        for (Prototype candidate : grown) {
            if (candidate.replacedAt == NEVER) {
                replaceIfMoved(candidate, to, view.group(candidate.rows[0]));
            }
        }
    }

    /** Returns a prototype of the identity that is similar to a vector and can take another row; null if none is. */
    private @Nullable Prototype similar(int group, float[] vector) {
        ensureGroup(group);
        int compared = 0;
        for (Prototype one = newest[group]; one != null && compared < MAX_COMPARED; one = one.previous) {
            if (one.replacedAt == NEVER) {
                compared++;
                if (one.rows.length < MAX_ROWS && cosine(one.number, vector) >= MIN_SIMILARITY) {
                    return one;
                }
            }
        }
        return null;
    }

    private void ensureGroup(int group) {
        if (group >= newest.length) {
            newest = Arrays.copyOf(newest, Math.max(group + 1, 2 * newest.length));
        }
    }

    private void replaceIfMoved(Prototype old, int rowCount, int group) {
        float[] mean = mean(old.rows);
        if (cosine(old.number, mean) < MIN_MEAN_SIMILARITY) {
            add(addMean(mean), old.rows, group);
            old.replacedAt = rowCount;
        }
    }

    /**
     * Replaces the prototypes of removed rows by prototypes of the remaining rows.
     *
     * @param view without the removed rows; published next
     * @return the numbers of the old prototypes, to be {@link #erase erased} once no reader uses an earlier view
     */
    int[] replace(int[] removed, Rows.View view) {
        Set<Integer> groups = new HashSet<>();
        for (int row : removed) {
            groups.add(view.group(row));
        }
        List<Prototype> affected = new ArrayList<>();
        for (int group : groups) {
            for (Prototype one = newest[group]; one != null; one = one.previous) {
                if (one.replacedAt != 0 && Arrays.stream(one.rows).anyMatch(row -> !view.has(row))) {
                    affected.add(one);
                }
            }
        }
        for (Prototype old : affected) {
            int[] remaining = Arrays.stream(old.rows).filter(view::has).toArray();
            if (remaining.length > 0 && old.replacedAt == NEVER) {
                int slot = remaining.length == 1 ? remaining[0] : addMean(mean(remaining));
                add(slot, remaining, view.group(remaining[0]));
            }
        }
        return affected.stream().mapToInt(old -> old.number).toArray();
    }

    /** Erases a replaced prototype except for its number, once no reader uses an earlier view. */
    void erase(int number) {
        Prototype one = prototypes[number];
        one.replacedAt = 0;
        one.rows = new int[0];
        if (one.slot < 0) {
            means.erase(~one.slot);
        }
    }

    private void add(int slot, int[] rows, int group) {
        Prototype added = new Prototype(count, slot, rows, newest[group]);
        append(added);
        newest[group] = added;
    }

    private void append(Prototype added) {
        Prototype[] all = prototypes;
        if (count == all.length) {
            all = Arrays.copyOf(all, 2 * count);
        }
        all[count] = added;
        prototypes = all;
        count = added.number + 1;
    }

    /** Stores a mean and returns its slot. */
    private int addMean(float[] unit) {
        means.reserve(meanCount + 1);
        means.put(meanCount, unit);
        return ~meanCount++;
    }

    private float[] mean(int[] rows) {
        return UnitVector.mean(Arrays.stream(rows).mapToObj(vectors::get).toList());
    }

    // ---- reading ----

    /** Returns whether a view contains a row of this prototype, and the prototype is not replaced for it. */
    boolean has(int number, Rows.View view) {
        Prototype one = prototypes[number];
        if (one.replacedAt <= view.rows()) {
            return false;
        }
        for (int row : one.rows) {
            if (view.has(row)) {
                return true;
            }
        }
        return false;
    }

    /** Returns the rows of a prototype, not all of which need be in a view. The array must not be modified. */
    int[] rows(int number) {
        return prototypes[number].rows;
    }

    float[] vector(int number) {
        int slot = prototypes[number].slot;
        return slot >= 0 ? vectors.get(slot) : means.get(~slot);
    }

    /** Returns the position of its vector for a {@link Vectors#cursor} of the rows. */
    long position(int number) {
        int slot = prototypes[number].slot;
        return slot >= 0 ? vectors.position(slot) : vectors.position(means, ~slot);
    }

    private double cosine(int number, float[] vector) {
        int slot = prototypes[number].slot;
        return slot >= 0 ? vectors.cosine(slot, vector) : means.cosine(~slot, vector);
    }

    // ---- saving and loading ----

    /** Writes the prototypes. Nothing may be added concurrently. */
    void save(DataOutputStream out) throws IOException {
        out.writeInt(count);
        for (int number = 0; number < count; number++) {
            Prototype one = prototypes[number];
            out.writeInt(one.averaged);
            out.writeBoolean(one.replacedAt == NEVER);
            out.writeInt(one.rows.length);
            for (int row : one.rows) {
                out.writeInt(row);
            }
        }
    }

    /**
     * Reads the prototypes of the view's first rows, which are in the vectors already. Nothing may have been added yet.
     *
     * @throws IOException if the bytes are not prototypes of these rows
     */
    void load(ByteBuffer saved, int rowCount, Rows.View view) throws IOException {
        try {
            int savedCount = Objects.checkIndex(saved.getInt(), 2 * rowCount + 1); // a row causes at most two
            BitSet found = new BitSet();
            while (count < savedCount) {
                int averaged = saved.getInt();
                boolean current = saved.get() != 0;
                int[] rows = new int[Objects.checkIndex(saved.getInt(), MAX_ROWS + 1)];
                for (int i = 0; i < rows.length; i++) {
                    rows[i] = Objects.checkIndex(saved.getInt(), rowCount);
                }
                Objects.checkIndex(averaged - 1, rows.length);
                checkRows(rows, current, found, view);
                addLoaded(averaged, current, rows, view.group(rows[0]));
            }
            if (found.cardinality() != rowCount) {
                throw new IllegalArgumentException("every row must have a prototype");
            }
        } catch (BufferUnderflowException | IndexOutOfBoundsException | IllegalArgumentException e) {
            throw new IOException("the saved graph does not belong to this gallery", e);
        }
    }

    private static void checkRows(int[] rows, boolean current, BitSet found, Rows.View view) {
        for (int row : rows) {
            if (view.group(row) != view.group(rows[0]) || current && found.get(row)) {
                throw new IllegalArgumentException("rows of a prototype must belong to it only, and to one identity");
            }
            found.set(row, found.get(row) || current);
        }
    }

    private void addLoaded(int averaged, boolean current, int[] rows, int group) {
        ensureGroup(group);
        int slot = averaged == 1 ? rows[0] : addMean(mean(Arrays.copyOf(rows, averaged)));
        add(slot, rows, group);
        Prototype one = prototypes[count - 1];
        one.averaged = averaged;
        one.replacedAt = current ? NEVER : 1; // 0 means erased
    }

    @Override
    public void close() {
        means.close();
    }
}
