package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.Test;

class CandidatesTest {
    /** The slack must exceed the difference between libtorch's products and those in double precision. */
    @Test
    void slackExceedsRoundingErrorsOfProducts() {
        Libtorch.load();
        int rows = 3_001;
        int probes = 64;
        double largest = 0;
        for (int dimension : new int[] {128, 512, 2048}) {
            float[][] y = new float[rows][];
            Arrays.setAll(y, i -> TestFaces.direction(i, dimension));
            try (PointerScope scope = new PointerScope()) {
                Tensor all = tensor(y); // [R, D]
                Tensor probeRows = all.narrow(0, 0, probes); // [P, D]
                float[] together = values(torch.mm(probeRows, all.t()));
                float[] alone = values(torch.mv(all, probeRows.select(0, 0)));
                for (int p = 0; p < probes; p++) {
                    for (int i = 0; i < rows; i += 7) {
                        double exact = dot(y[p], y[i]);
                        largest = Math.max(largest, Math.abs(together[p * rows + i] - exact));
                        largest = Math.max(largest, p == 0 ? Math.abs(alone[i] - exact) : 0);
                    }
                    largest = Math.max(largest, Math.abs(together[p * rows + p] - dot(y[p], y[p])));
                }
            }
        }
        assertThat(largest).isBetween(1e-9, Candidates.SLACK / 4.0);
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    private static Tensor tensor(float[][] rows) {
        FloatPointer values = new FloatPointer((long) rows.length * rows[0].length);
        for (int i = 0; i < rows.length; i++) {
            values.position((long) i * rows[0].length).put(rows[i]);
        }
        return torch.from_blob(values.position(0), rows.length, rows[0].length);
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[(int) tensor.numel()];
        tensor.data_ptr_float().get(values);
        return values;
    }

    /** With more ties than the capacity, the first row of each identity must be kept. */
    @Test
    void prunesTiesToTheFirstRowOfEachIdentity() {
        try (Vectors vectors = new Vectors(8)) {
            Rows rows = new Rows(new MemoryTexts());
            float[] x = {1, 0, 0, 0, 0, 0, 0, 0};
            int count = 3_000;
            vectors.reserve(count);
            for (int i = 0; i < count; i++) {
                vectors.put(rows.add(i + 1, "p" + i % 700, null, null), x);
            }
            Candidates candidates = new Candidates(vectors, rows.view(), x, 3);
            for (int i = count - 1; i >= 0; i--) { // the least favorable order
                candidates.offer(i, i % 2 == 0 ? 1 : 0.9999999f); // BLAS may round differently
            }
            assertThat(candidates.best()).containsExactly(new Hit(0, 1), new Hit(1, 1), new Hit(2, 1));
        }
    }
}
