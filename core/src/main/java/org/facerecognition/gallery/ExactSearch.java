package org.facerecognition.gallery;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Libtorch;

/** Exact search: compares every row, by one matrix product per block. The first search loads libtorch. */
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
        Libtorch.load();
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
        int perBlock = vectors.rowsPerBlock();
        float[] scores = new float[Math.min(perBlock, view.rows())];
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor x = stacked(probes); // [P, D]
            for (int first = 0; first < view.rows(); first += perBlock) {
                int rows = Math.min(perBlock, view.rows() - first);
                try (PointerScope step = new PointerScope()) {
                    FloatPointer values = products(x, first / perBlock, rows).data_ptr_float();
                    for (int p = 0; p < probes.size(); p++) {
                        values.position((long) p * rows).get(scores, 0, rows);
                        offer(candidates.get(p), first, scores, rows);
                    }
                }
            }
        }
    }

    /** Returns the products of probes and rows of a block, [P, R] or [R] for one probe, contiguous; scoped. */
    private Tensor products(Tensor x, int block, int rows) {
        Tensor y = torch.from_blob(vectors.rowsOfBlock(block), rows, vectors.dimension()); // [R, D]
        return x.size(0) == 1 ? torch.mv(y, x.view(-1)) : torch.mm(x, y.t());
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

    /** Returns the probes as a tensor [P, D]; scoped. */
    private Tensor stacked(List<float[]> probes) {
        int dimension = vectors.dimension();
        FloatPointer values = new FloatPointer((long) probes.size() * dimension);
        for (int p = 0; p < probes.size(); p++) {
            values.position((long) p * dimension).put(probes.get(p));
        }
        return torch.from_blob(values.position(0), probes.size(), dimension);
    }

    @Override
    public void close() {
        // the vectors are not owned
    }
}
