package org.facerecognition.gallery;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Libtorch;

/** Compares with every row: a matrix product for each block. Loads libtorch with the first search, not before. */
final class ExactSearch implements SearchIndex {
    private static final int PROBES_AT_A_TIME = 64; // more gain nothing: the product is bound by arithmetic then

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
    public List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int most, int width) {
        Libtorch.load();
        List<List<Hit>> all = new ArrayList<>(probes.size());
        for (int from = 0; from < probes.size(); from += PROBES_AT_A_TIME) {
            List<float[]> some = probes.subList(from, Math.min(probes.size(), from + PROBES_AT_A_TIME));
            List<Candidates> candidates = some.stream()
                    .map(probe -> new Candidates(vectors, view, probe, most))
                    .toList();
            offerAll(some, view, candidates);
            candidates.forEach(found -> all.add(found.best()));
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

    /** [P, R], contiguous */
    private Tensor products(Tensor x, int block, int rows) {
        Tensor y = torch.from_blob(vectors.rowsOfBlock(block), rows, vectors.dimension()); // [R, D]
        return x.size(0) == 1 ? torch.mv(y, x.view(-1)) : torch.mm(x, y.t());
    }

    private static void offer(Candidates candidates, int first, float[] scores, int rows) {
        float bar = candidates.bar();
        for (int i = 0; i < rows; i++) {
            if (scores[i] >= bar) {
                candidates.offer(first + i, scores[i]);
                bar = candidates.bar();
            }
        }
    }

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
        // the rows are the vectors'
    }
}
