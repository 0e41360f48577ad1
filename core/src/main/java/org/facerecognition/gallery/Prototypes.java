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
 * What is searched first: of each identity the mean of its rows, as long as they are alike; a row that is not stands
 * for itself. An identity of ten like images is one prototype instead of ten, and its mean is nearer to another
 * image of it than any of the ten is: with images at a cosine of .6 to each other, .75.
 *
 * <p>One thread adds; any number read meanwhile.
 */
/*
 * A prototype's vector never changes once it is in the graph, as the graph's edges were made for it. When there are
 * four times as many rows as it is the mean of, and their mean has moved, a new one takes its place: the former one
 * goes on as a way through the graph, and is found only by those who read the gallery as it was before. When one of its
 * rows is removed, a new one for the rows that are left takes its place too, and once nobody reads the gallery as it
 * was before, nothing is left of the former one but its place in the graph.
 *
 * Rows are added to a prototype by giving it a longer array, so that whoever reads sees one or the other. MOST_ROWS
 * bounds that, and how many rows a search compares for one prototype.
 */
final class Prototypes implements AutoCloseable {
    private static final double ALIKE = .4; // cosine to the prototype; most pairs of one person reach it
    private static final double MOVED = .9; // cosine to the new mean
    private static final int GROWTH = 4;
    private static final int MAX_ROWS = 64;
    private static final int MAX_LOOKED_AT = 16; // of an identity with very many, the newest
    private static final int NEVER = Integer.MAX_VALUE;

    private final Vectors vectors;
    private final Vectors means;
    private volatile Prototype[] prototypes = new Prototype[16]; // up to count
    private volatile int count;
    private @Nullable Prototype[] newest = new Prototype[16]; // by group
    private int meanCount;

    private static final class Prototype {
        final int number;
        int place; // a row of the vectors; below 0, ~row of the means
        int made; // the mean of so many, its first ones
        final @Nullable Prototype former; // of its identity
        volatile int[] rows; // ascending
        volatile int until = NEVER; // whoever sees so many rows sees another in its place

        Prototype(int number, int place, int[] rows, @Nullable Prototype former) {
            this.number = number;
            this.place = place;
            this.made = rows.length;
            this.rows = rows;
            this.former = former;
        }
    }

    Prototypes(Vectors vectors) {
        this.vectors = vectors;
        this.means = new Vectors(vectors.dimension());
    }

    /** How many there are, former ones included: their numbers are 0 to this. */
    int count() {
        return count;
    }

    /**
     * Takes up rows, {@code from} inclusive, {@code to} exclusive.
     *
     * @param view that has them; the next to be published
     */
    void add(int from, int to, Rows.View view) {
        int first = count;
        List<Prototype> grown = new ArrayList<>();
        for (int row = from; row < to; row++) {
            int group = view.group(row);
            Prototype like = like(group, vectors.get(row));
            if (like == null) {
                add(row, new int[] {row}, group);
            } else {
                int[] rows = Arrays.copyOf(like.rows, like.rows.length + 1);
                rows[rows.length - 1] = row;
                like.rows = rows;
                if (like.number < first && rows.length >= GROWTH * like.made) {
                    grown.add(like);
                }
            }
        }
        for (int number = first; number < count; number++) { // these nobody knows yet
            Prototype one = prototypes[number];
            one.made = one.rows.length;
            one.place = one.made == 1 ? one.place : mean(mean(one.rows));
        }
        for (Prototype one : grown) {
            if (one.until == NEVER) {
                renew(one, to, view.group(one.rows[0]));
            }
        }
    }

    /** The prototype of this identity that a row is alike to and that has room. */
    private @Nullable Prototype like(int group, float[] vector) {
        makeRoom(group);
        int embeddingStats = 0;
        for (Prototype one = newest[group]; one != null && embeddingStats < MAX_LOOKED_AT; one = one.former) {
            if (one.until == NEVER) {
                embeddingStats++;
                if (one.rows.length < MAX_ROWS && cosine(one.number, vector) >= ALIKE) {
                    return one;
                }
            }
        }
        return null;
    }

    private void makeRoom(int group) {
        if (group >= newest.length) {
            newest = Arrays.copyOf(newest, Math.max(group + 1, 2 * newest.length));
        }
    }

    private void renew(Prototype former, int seen, int group) {
        float[] mean = mean(former.rows);
        if (cosine(former.number, mean) < MOVED) {
            add(mean(mean), former.rows, group);
            former.until = seen;
        }
    }

    /**
     * Puts others, of the rows that are left, in the place of those that stand for removed rows.
     *
     * @param view without the removed rows; the next to be published
     * @return the numbers of the former ones, to be {@link #erase erased} when nobody reads a former view
     */
    int[] replace(int[] removed, Rows.View view) {
        Set<Integer> groups = new HashSet<>();
        for (int row : removed) {
            groups.add(view.group(row));
        }
        List<Prototype> former = new ArrayList<>();
        for (int group : groups) {
            for (Prototype one = newest[group]; one != null; one = one.former) {
                if (one.until != 0 && Arrays.stream(one.rows).anyMatch(row -> !view.has(row))) {
                    former.add(one);
                }
            }
        }
        for (Prototype one : former) {
            int[] left = Arrays.stream(one.rows).filter(view::has).toArray();
            if (left.length > 0 && one.until == NEVER) {
                add(left.length == 1 ? left[0] : mean(mean(left)), left, view.group(left[0]));
            }
        }
        return former.stream().mapToInt(one -> one.number).toArray();
    }

    /** Leaves nothing of a prototype but its number, when others stand for its rows and nobody reads a former view. */
    void erase(int number) {
        Prototype one = prototypes[number];
        one.until = 0;
        one.rows = new int[0];
        if (one.place < 0) {
            means.erase(~one.place);
        }
    }

    private void add(int place, int[] rows, int group) {
        Prototype one = new Prototype(count, place, rows, newest[group]);
        append(one);
        newest[group] = one;
    }

    private void append(Prototype one) {
        Prototype[] all = prototypes;
        if (count == all.length) {
            all = Arrays.copyOf(all, 2 * count);
        }
        all[count] = one;
        prototypes = all;
        count = one.number + 1;
    }

    /** @return the place of a mean that is written down */
    private int mean(float[] unit) {
        means.reserve(meanCount + 1);
        means.put(meanCount, unit);
        return ~meanCount++;
    }

    private float[] mean(int[] rows) {
        float[] sum = new float[vectors.dimension()];
        for (int row : rows) {
            float[] vector = vectors.get(row);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += vector[i];
            }
        }
        return UnitVector.of(sum, sum.length, "mean");
    }

    // ---- reading ----

    /** Whether a prototype stands for a row of the view. */
    boolean has(int number, Rows.View view) {
        Prototype one = prototypes[number];
        if (one.until <= view.rows()) {
            return false;
        }
        for (int row : one.rows) {
            if (view.has(row)) {
                return true;
            }
        }
        return false;
    }

    /** The rows that a prototype stands for, some of which a view may not have. Not to be changed. */
    int[] rows(int number) {
        return prototypes[number].rows;
    }

    float[] vector(int number) {
        int place = prototypes[number].place;
        return place >= 0 ? vectors.get(place) : means.get(~place);
    }

    /** Where its vector is for a {@link Vectors#cursor} of the rows. */
    long position(int number) {
        int place = prototypes[number].place;
        return place >= 0 ? vectors.position(place) : vectors.position(means, ~place);
    }

    private double cosine(int number, float[] vector) {
        int place = prototypes[number].place;
        return place >= 0 ? vectors.cosine(place, vector) : means.cosine(~place, vector);
    }

    // ---- kept from one opening to the next ----

    /** Nothing may be added meanwhile. */
    void save(DataOutputStream out) throws IOException {
        out.writeInt(count);
        for (int number = 0; number < count; number++) {
            Prototype one = prototypes[number];
            out.writeInt(one.made);
            out.writeBoolean(one.until == NEVER);
            out.writeInt(one.rows.length);
            for (int row : one.rows) {
                out.writeInt(row);
            }
        }
    }

    /**
     * Reads those of the view's first rows, which are in the vectors already; nothing may have been added before.
     *
     * @throws IOException when they are not such prototypes
     */
    void load(ByteBuffer saved, int rowCount, Rows.View view) throws IOException {
        try {
            int wanted = Objects.checkIndex(saved.getInt(), 2 * rowCount + 1); // no row makes more than one
            BitSet found = new BitSet();
            while (count < wanted) {
                int made = saved.getInt();
                boolean current = saved.get() != 0;
                int[] rows = new int[Objects.checkIndex(saved.getInt(), MAX_ROWS + 1)];
                for (int i = 0; i < rows.length; i++) {
                    rows[i] = Objects.checkIndex(saved.getInt(), rowCount);
                }
                Objects.checkIndex(made - 1, rows.length);
                checkRows(rows, current, found, view);
                load(made, current, rows, view.group(rows[0]));
            }
            if (found.cardinality() != rowCount) {
                throw new IllegalArgumentException("every row must have a prototype");
            }
        } catch (BufferUnderflowException | IndexOutOfBoundsException | IllegalArgumentException e) {
            throw new IOException("the saved graph is not one of this gallery", e);
        }
    }

    private static void checkRows(int[] rows, boolean current, BitSet found, Rows.View view) {
        for (int row : rows) {
            if (view.group(row) != view.group(rows[0]) || current && found.get(row)) {
                throw new IllegalArgumentException("a row must be of one prototype, and all of one identity");
            }
            found.set(row, found.get(row) || current);
        }
    }

    private void load(int made, boolean current, int[] rows, int group) {
        makeRoom(group);
        int place = made == 1 ? rows[0] : mean(mean(Arrays.copyOf(rows, made)));
        add(place, rows, group);
        Prototype one = prototypes[count - 1];
        one.made = made;
        one.until = current ? NEVER : 1; // 0 is for those that are erased
    }

    @Override
    public void close() {
        means.close();
    }
}
