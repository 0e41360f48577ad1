package org.facerecognition.gallery;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.facerecognition.natives.ParallelStreams;
import org.jspecify.annotations.Nullable;

/**
 * The prototypes of rows whose vectors are in a file: like {@link Prototypes}, but only their {@link SignCodes} are
 * kept. Whether a vector is similar to a prototype is estimated from the code.
 *
 * <p>One thread adds; any number of threads may read concurrently.
 */
/*
 * The rows of a prototype are a list, linked from the newest to the oldest, so that a prototype that replaces another
 * shares its list. A row that was removed stays in the list, and views tell that it is not there.
 */
final class CodedPrototypes {
    private static final int NONE = -1;
    private static final int NEVER = Integer.MAX_VALUE;
    private static final int ERASED = 0;

    private final SignCodes codes;
    private final IntColumn newestRow = new IntColumn();
    private final IntColumn sizes = new IntColumn(); // rows, removed ones included
    private final IntColumn averaged = new IntColumn(); // the code is that of the mean of so many rows
    private final IntColumn replacedAt = new IntColumn(); // hidden from views of at least this many rows
    private final IntColumn previous = new IntColumn(); // of the same group
    private final IntColumn newest = new IntColumn(); // by group
    private final IntColumn ofRow = new IntColumn();
    private final IntColumn previousRow = new IntColumn(); // by row, of the same prototype
    private int count;
    private int groups;
    private volatile int searchable; // number of prototypes whose codes are written

    /** Returns the vector of a row. */
    interface VectorSource {
        /** Returns the vectors of those rows that are not erased. */
        List<float[]> of(int[] rows);
    }

    /** @param codes owned from now on */
    CodedPrototypes(SignCodes codes) {
        this.codes = codes;
    }

    // ---- adding ----

    /**
     * Adds rows.
     *
     * @param from number of the first row
     * @param units the embeddings of the rows
     * @param view that contains the rows; published next
     * @param vectors of earlier rows
     */
    void add(int from, List<float[]> units, Rows.View view, VectorSource vectors) {
        int first = count;
        List<float[]> firstUnits = new ArrayList<>(); // of the prototypes that are added
        Set<Integer> grown = new HashSet<>();
        for (int i = 0; i < units.size(); i++) {
            int group = view.group(from + i);
            int similar = similar(group, units.get(i), first, firstUnits);
            if (similar == NONE) {
                similar = append(group);
                firstUnits.add(units.get(i));
            } else if (similar < first && sizes.get(similar) + 1 >= Prototypes.GROWTH * averaged.get(similar)) {
                grown.add(similar);
            }
            addRow(from + i, similar);
        }
        encode(
                first,
                number -> UnitVector.mean(Arrays.stream(rows(number, view))
                        .mapToObj(row -> units.get(row - from))
                        .toList()));
        for (int candidate : grown) {
            replaceIfMoved(candidate, view, vectors);
        }
        searchable = count;
    }

    /** Returns a prototype of the group that is similar to a vector and can take another row; NONE if none is. */
    private int similar(int group, float[] unit, int first, List<float[]> firstUnits) {
        reserveGroup(group);
        SignCodes.@Nullable Probe probe = null;
        int compared = 0;
        for (int one = newest.get(group); one != NONE && compared < Prototypes.MAX_COMPARED; one = previous.get(one)) {
            if (replacedAt.get(one) != NEVER) {
                continue;
            }
            compared++;
            if (sizes.get(one) < Prototypes.MAX_ROWS) {
                double cosine;
                if (one < first) {
                    probe = probe == null ? codes.probe(unit) : probe;
                    cosine = probe.cosine(one);
                } else {
                    cosine = UnitVector.cosine(firstUnits.get(one - first), unit);
                }
                if (cosine >= Prototypes.MIN_SIMILARITY) {
                    return one;
                }
            }
        }
        return NONE;
    }

    private void reserveGroup(int group) {
        while (groups <= group) {
            newest.put(groups++, NONE);
        }
    }

    private int append(int group) {
        reserveGroup(group);
        int number = count;
        newestRow.put(number, NONE);
        sizes.put(number, 0);
        averaged.put(number, 1);
        replacedAt.put(number, NEVER);
        previous.put(number, newest.get(group));
        newest.set(group, number);
        codes.reserve(number + 1);
        count++;
        return number;
    }

    /** Makes room for a total number of rows. */
    void reserveRows(int rows) {
        ofRow.reserve(rows);
        previousRow.reserve(rows);
    }

    private void addRow(int row, int prototype) {
        previousRow.put(row, newestRow.get(prototype));
        ofRow.put(row, prototype);
        newestRow.set(prototype, row);
        sizes.set(prototype, sizes.get(prototype) + 1);
    }

    private interface Means {
        float[] of(int number);
    }

    private void encode(int first, Means means) {
        ParallelStreams.forEach(first, count, number -> {
            averaged.set(number, sizes.get(number));
            codes.put(number, means.of(number));
        });
    }

    private void replaceIfMoved(int old, Rows.View view, VectorSource vectors) {
        int[] rows = rows(old, view);
        List<float[]> units = vectors.of(rows);
        if (units.isEmpty()) {
            return;
        }
        float[] mean = UnitVector.mean(units);
        if (codes.probe(mean).cosine(old) < Prototypes.MIN_MEAN_SIMILARITY) {
            replace(old, rows, mean, view);
            replacedAt.set(old, view.rows());
        }
    }

    /** Adds a prototype for rows of another one. */
    private void replace(int old, int[] rows, float[] mean, Rows.View view) {
        int added = append(view.group(rows[0]));
        newestRow.set(added, newestRow.get(old));
        sizes.set(added, sizes.get(old));
        averaged.set(added, rows.length);
        codes.put(added, mean);
        for (int row : rows) {
            ofRow.set(row, added);
        }
    }

    // ---- removing ----

    /** Returns the numbers of all prototypes of removed rows. */
    int[] of(int[] removed, Rows.View view) {
        int[] ascending = Arrays.stream(removed).sorted().toArray();
        Set<Integer> touched = new HashSet<>(); // groups
        for (int row : removed) {
            touched.add(view.group(row));
        }
        IntStream.Builder affected = IntStream.builder();
        for (int group : touched) {
            for (int one = newest.get(group); one != NONE; one = previous.get(one)) {
                if (replacedAt.get(one) != ERASED && hasOneOf(one, ascending)) {
                    affected.add(one);
                }
            }
        }
        return affected.build().sorted().toArray();
    }

    /**
     * Adds prototypes of the remaining rows in place of those {@link #of(int[], Rows.View) of removed rows}, which must
     * be {@link #erase erased} once no reader uses an earlier view.
     *
     * @param view without the removed rows; published next
     */
    void replace(int[] affected, Rows.View view, VectorSource vectors) {
        for (int old : affected) {
            if (replacedAt.get(old) == NEVER) {
                addRemaining(old, view, vectors);
            }
        }
        searchable = count;
    }

    private boolean hasOneOf(int prototype, int[] ascending) {
        int row = newestRow.get(prototype);
        while (row >= ascending[0] && Arrays.binarySearch(ascending, row) < 0) { // rows are in descending order
            row = previousRow.get(row);
        }
        return row >= ascending[0];
    }

    private void addRemaining(int old, Rows.View view, VectorSource vectors) {
        int[] remaining = rows(old, view);
        List<float[]> units = vectors.of(remaining);
        if (!units.isEmpty()) {
            replace(old, remaining, UnitVector.mean(units), view);
        }
    }

    /** Erases a replaced prototype except for its number, once no reader uses an earlier view. */
    void erase(int number) {
        replacedAt.set(number, ERASED);
        newestRow.set(number, NONE);
        codes.erase(number);
    }

    // ---- reading ----

    /** Returns the number of prototypes that can be searched, replaced ones included. */
    int searchable() {
        return searchable;
    }

    SignCodes codes() {
        return codes;
    }

    /** Returns whether a view contains a row of this prototype, and the prototype is not replaced for it. */
    boolean has(int number, Rows.View view) {
        if (replacedAt.get(number) <= view.rows()) {
            return false;
        }
        int row = newestRow.get(number);
        while (row != NONE && !view.has(row)) {
            row = previousRow.get(row);
        }
        return row != NONE;
    }

    /** Returns the rows of a prototype that a view has, in ascending order. */
    int[] rows(int number, Rows.View view) {
        int[] rows = new int[Prototypes.MAX_ROWS];
        int found = rows.length;
        for (int row = newestRow.get(number); row != NONE; row = previousRow.get(row)) {
            if (view.has(row)) {
                rows[--found] = row;
            }
        }
        return Arrays.copyOfRange(rows, found, rows.length);
    }

    // ---- saving and loading ----

    /** Returns whether the prototype is the current one of its rows. */
    boolean isCurrent(int number) {
        return replacedAt.get(number) == NEVER;
    }

    /** Returns the current prototype of a row. */
    int of(int row) {
        return ofRow.get(row);
    }

    int averaged(int number) {
        return averaged.get(number);
    }

    /**
     * Adds prototypes that were saved. Their codes are read by the caller, and their rows are {@link #load added} next.
     *
     * @param saved number of prototypes
     * @param groupCount number of groups
     */
    void loadNumbers(int saved, int groupCount) {
        reserveGroup(groupCount - 1);
        codes.reserve(saved);
        for (int number = 0; number < saved; number++) {
            newestRow.put(number, NONE);
            sizes.put(number, 0);
            averaged.put(number, 1);
            replacedAt.put(number, NEVER);
            previous.put(number, NONE);
        }
        count = saved;
    }

    /** Takes of how many rows a saved prototype is the mean; 0 if it was erased. */
    void loadAveraged(int number, int rows) {
        averaged.set(number, rows);
        if (rows == 0) {
            replacedAt.set(number, ERASED);
        }
    }

    /**
     * Adds the next row, which was saved.
     *
     * @param prototype of the row; negative if the row was erased
     * @param rows which contain it
     * @return whether the prototype can have this row
     */
    boolean load(int row, int prototype, Rows rows) {
        ofRow.put(row, prototype);
        previousRow.put(row, NONE);
        if (prototype < 0) {
            return true;
        }
        int group = rows.groupOf(row);
        int before = newestRow.get(prototype);
        if (before == NONE) {
            previous.set(prototype, newest.get(group));
            newest.set(group, prototype);
        } else if (sizes.get(prototype) == Prototypes.MAX_ROWS || rows.groupOf(before) != group) {
            return false;
        }
        addRow(row, prototype);
        return true;
    }

    /** Finishes the loading: rows whose prototype was erased with another row get a new one. */
    void finishLoading(Rows.View view, VectorSource vectors) {
        int saved = count;
        for (int number = 0; number < saved; number++) {
            if (replacedAt.get(number) == ERASED && newestRow.get(number) != NONE) {
                addRemaining(number, view, vectors);
                newestRow.set(number, NONE);
            }
        }
        searchable = count;
    }
}
