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
 * Collects the k best identities of a search. Rows are offered with scores in single precision; the result is ordered
 * by cosines in double precision.
 */
/*
 * The last bits of a dot product in single precision depend on the order of summation, and BLAS sums in another order
 * for one probe than for 64, and for the last rows of a block than for the others. If rows were ordered by such scores,
 * the same query could have two answers. Therefore rows within SLACK of the k-th best identity are kept too, and the
 * few that remain are compared again in double precision. SLACK is ten times the largest difference that was observed
 * between the two (3.4e-7, for 128 to 2,048 values).
 */
final class Candidates {
    static final float SLACK = 4e-6f;
    private static final int INITIAL_CAPACITY = 1_024;
    static final Comparator<Hit> BEST_FIRST =
            Comparator.comparingDouble(Hit::cosine).reversed().thenComparingInt(Hit::row);

    private final Vectors vectors;
    private final Rows.View view;
    private final float[] probe;
    private final int k;
    private final int capacity; // number of rows at which hopeless ones are dropped
    private int[] rows;
    private float[] scores;
    private int count;
    private float cutoff = Float.NEGATIVE_INFINITY;

    Candidates(Vectors vectors, Rows.View view, float[] probe, int k) {
        this.vectors = vectors;
        this.view = view;
        this.probe = probe;
        this.k = Math.min(k, Math.max(1, view.liveGroups()));
        this.capacity = (int) Math.min(Integer.MAX_VALUE / 4, 256 + 8L * this.k);
        int initial = Math.min(capacity, INITIAL_CAPACITY); // grows as rows come in
        this.rows = new int[initial];
        this.scores = new float[initial];
    }

    /** Returns the score below which rows need not be offered. It rises during a search. */
    float cutoff() {
        return cutoff;
    }

    /** Considers a row, if it is in the view. */
    void offer(int row, float score) {
        if (score < cutoff || !view.has(row)) {
            return;
        }
        if (count == rows.length && count < capacity) {
            int longer = (int) Math.min(capacity, 2L * count);
            rows = Arrays.copyOf(rows, longer);
            scores = Arrays.copyOf(scores, longer);
        } else if (count == rows.length) {
            prune();
            if (score < cutoff) {
                return;
            }
        }
        rows[count] = row;
        scores[count++] = score;
    }

    private void prune() {
        dropBelowCutoff();
        if (count > rows.length / 2) { // many rows tie, or belong to one identity
            List<Hit> best = best();
            count = 0;
            for (Hit hit : best) {
                rows[count] = hit.row();
                scores[count++] = (float) hit.cosine();
            }
        }
    }

    private void dropBelowCutoff() {
        raiseCutoff();
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (scores[i] >= cutoff) {
                rows[kept] = rows[i];
                scores[kept++] = scores[i];
            }
        }
        count = kept;
    }

    /** Raises the cutoff to slightly below the best score of the k-th best identity. */
    private void raiseCutoff() {
        Map<Integer, Float> bestOf = new HashMap<>();
        for (int i = 0; i < count; i++) {
            bestOf.merge(view.group(rows[i]), scores[i], Math::max);
        }
        if (bestOf.size() >= k) {
            float[] sorted = new float[bestOf.size()];
            int i = 0;
            for (float score : bestOf.values()) {
                sorted[i++] = score;
            }
            Arrays.sort(sorted);
            cutoff = Math.max(cutoff, sorted[sorted.length - k] - SLACK);
        }
    }

    /** Returns the number of identities that were offered and may be among the best. */
    int identities() {
        Set<Integer> groups = new HashSet<>();
        for (int i = 0; i < count; i++) {
            groups.add(view.group(rows[i]));
        }
        return groups.size();
    }

    /** Returns the best row of each of the k best identities, the best first. */
    List<Hit> best() {
        dropBelowCutoff();
        List<Hit> hits = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            hits.add(new Hit(rows[i], vectors.cosine(rows[i], probe)));
        }
        hits.sort(BEST_FIRST);
        Set<Integer> seen = new HashSet<>();
        hits.removeIf(hit -> !seen.add(view.group(hit.row())));
        return hits.size() > k ? new ArrayList<>(hits.subList(0, k)) : hits;
    }
}
