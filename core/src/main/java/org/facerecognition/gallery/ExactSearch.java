package org.facerecognition.gallery;

import static org.bytedeco.openblas.global.openblas.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas.CblasTrans;
import static org.bytedeco.openblas.global.openblas.cblas_sgemm;
import static org.bytedeco.openblas.global.openblas.cblas_sgemv;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.natives.Processors;

/** Exact search: compares every row, by one matrix product of OpenBLAS's per block. */
final class ExactSearch implements SearchIndex {
    private static final int PROBES_PER_BATCH = 64; // with more, nothing is gained: the product is compute-bound

    private final Vectors vectors;

    ExactSearch(Vectors vectors) {
        this.vectors = vectors;
    }

    @Override
    public void added(int from, int to, Rows.View view) {
        // nothing to prepare
    }

    @Override
    public Runnable removed(int[] removed, Rows.View view) {
        return () -> {};
    }

    @Override
    public List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int k, int efSearch) {
        Processors.count(); // a wrong setting is said, which OpenBLAS's own threads would not follow
        NativeLibraries.load(openblas.class, "OpenBLAS");
        List<List<Hit>> all = new ArrayList<>(probes.size());
        for (int from = 0; from < probes.size(); from += PROBES_PER_BATCH) {
            List<float[]> batch = probes.subList(from, Math.min(probes.size(), from + PROBES_PER_BATCH));
            List<Candidates> candidates = batch.stream()
                    .map(probe -> new Candidates(vectors, view, probe, k))
                    .toList();
            offerAll(batch, view, candidates);
            candidates.forEach(ofProbe -> all.add(ofProbe.best()));
        }
        return all;
    }

    private void offerAll(List<float[]> probes, Rows.View view, List<Candidates> candidates) {
        int most = Math.min(vectors.rowsPerBlock(), view.rows()); // of a block
        float[] scores = new float[most];
        try (FloatPointer x = stacked(probes); // [P, D]
                FloatPointer products = new FloatPointer((long) probes.size() * most)) {
            products.zero(); // some versions of OpenBLAS multiply what was there by 0, and NaN remains
            for (int first = 0; first < view.rows(); first += vectors.rowsPerBlock()) {
                int rows = Math.min(vectors.rowsPerBlock(), view.rows() - first);
                multiply(x, probes.size(), vectors.rowsOfBlock(first / vectors.rowsPerBlock()), rows, products);
                for (int p = 0; p < probes.size(); p++) {
                    products.position((long) p * rows).get(scores, 0, rows);
                    offer(candidates.get(p), first, scores, rows);
                }
                products.position(0);
            }
        }
    }

    /** Writes the products of probes, [P, D], and rows, [R, D], to [P, R]. */
    private void multiply(FloatPointer x, int probes, FloatPointer y, int rows, FloatPointer products) {
        int d = vectors.dimension();
        if (probes == 1) {
            cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, d, 1, y, d, x, 1, 0, products, 1);
        } else {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, probes, rows, d, 1, x, d, y, d, 0, products, rows);
        }
    }

    private static void offer(Candidates candidates, int first, float[] scores, int rows) {
        float cutoff = candidates.cutoff();
        for (int i = 0; i < rows; i++) {
            if (scores[i] >= cutoff) {
                candidates.offer(first + i, scores[i]);
                cutoff = candidates.cutoff();
            }
        }
    }

    /** Returns the probes as rows, [P, D]; owned. */
    private FloatPointer stacked(List<float[]> probes) {
        int dimension = vectors.dimension();
        FloatPointer values = new FloatPointer((long) probes.size() * dimension);
        for (int p = 0; p < probes.size(); p++) {
            values.position((long) p * dimension).put(probes.get(p));
        }
        return values.position(0);
    }

    @Override
    public void close() {
        // the vectors are not owned
    }
}
