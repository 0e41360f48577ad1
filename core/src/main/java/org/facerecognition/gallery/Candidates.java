package org.facerecognition.gallery;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The best identities of a search so far. Rows are offered with their scores in single precision; what comes out is
 * ordered by the cosine in double precision.
 */
/*
 * A float sum of products depends in its last bits on the order of adding, and BLAS adds in another order for one probe
 * than for 64, and for the last rows of a block than for the rest. Were rows ordered by such scores, the same question
 * could be answered in two ways. So rows within SLACK of the last place are kept too, and the few that remain are
 * compared again in double precision. SLACK is ten times the largest difference that was seen between the two (3.4e-7,
 * of 128 to 2,048 values).
 */
final class Candidates {
    static final float SLACK = 4e-6f;
    private static final int FIRST_ROOM = 1_024;
    private static final Comparator<Hit> BEST_FIRST =
            Comparator.comparingDouble(Hit::cosine).reversed().thenComparingInt(Hit::row);

    private final Vectors vectors;
    private final Rows.View view;
    private final float[] probe;
    private final int most;
    private final int room; // so many rows before those without a chance are dropped
    private int[] rows;
    private float[] scores;
    private int count;
    private float bar = Float.NEGATIVE_INFINITY;

    Candidates(Vectors vectors, Rows.View view, float[] probe, int most) {
        this.vectors = vectors;
        this.view = view;
        this.probe = probe;
        this.most = Math.min(most, Math.max(1, view.liveGroups()));
        this.room = (int) Math.min(Integer.MAX_VALUE / 4, 256 + 8L * this.most);
        int first = Math.min(room, FIRST_ROOM); // more is made as rows come in
        this.rows = new int[first];
        this.scores = new float[first];
    }

    /** Rows with a lower score need not be offered. Rises. */
    float bar() {
        return bar;
    }

    /** Takes note of a row, if it is in the view. */
    void offer(int row, float score) {
        if (score < bar || !view.has(row)) {
            return;
        }
        if (count == rows.length && count < room) {
            int more = (int) Math.min(room, 2L * count);
            rows = Arrays.copyOf(rows, more);
            scores = Arrays.copyOf(scores, more);
        } else if (count == rows.length) {
            prune();
            if (score < bar) {
                return;
            }
        }
        rows[count] = row;
        scores[count++] = score;
    }

    private void prune() {
        dropBelowBar();
        if (count > rows.length / 2) { // many that are equal, or one identity's
            List<Hit> best = best();
            count = 0;
            for (Hit hit : best) {
                rows[count] = hit.row();
                scores[count++] = (float) hit.cosine();
            }
        }
    }

    private void dropBelowBar() {
        raiseBar();
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (scores[i] >= bar) {
                rows[kept] = rows[i];
                scores[kept++] = scores[i];
            }
        }
        count = kept;
    }

    /** To a little below the best score of the identity in the last place. */
    private void raiseBar() {
        Map<Integer, Float> bestOf = new HashMap<>();
        for (int i = 0; i < count; i++) {
            bestOf.merge(view.group(rows[i]), scores[i], Math::max);
        }
        if (bestOf.size() >= most) {
            float[] sorted = new float[bestOf.size()];
            int i = 0;
            for (float score : bestOf.values()) {
                sorted[i++] = score;
            }
            Arrays.sort(sorted);
            bar = Math.max(bar, sorted[sorted.length - most] - SLACK);
        }
    }

    /** How many identities were offered and are not out of the question. */
    int identities() {
        Set<Integer> groups = new HashSet<>();
        for (int i = 0; i < count; i++) {
            groups.add(view.group(rows[i]));
        }
        return groups.size();
    }

    /** The best row of each of the best identities, the best first. */
    List<Hit> best() {
        dropBelowBar();
        List<Hit> hits = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            hits.add(new Hit(rows[i], vectors.cosine(rows[i], probe)));
        }
        hits.sort(BEST_FIRST);
        Set<Integer> seen = new HashSet<>();
        hits.removeIf(hit -> !seen.add(view.group(hit.row())));
        return hits.size() > most ? new ArrayList<>(hits.subList(0, most)) : hits;
    }
}
