package org.facerecognition.natives;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Copies matrices from any device into Java arrays. Tensors passed in are borrowed, and no native memory is left over.
 */
public final class TensorRows {
    private static final double SMALLEST_NORM = 1e-12; // as libtorch's normalize

    private TensorRows() {}

    /**
     * Copies the rows of a matrix.
     *
     * @param matrix [N, D], of any floating type, on any device, with or without gradient; borrowed
     * @return N rows of D values, converted to float
     */
    public static float[][] of(Tensor matrix) {
        try (PointerScope scope = new PointerScope()) {
            float[][] rows = new float[(int) matrix.size(0)][(int) matrix.size(1)];
            FloatPointer values = matrix.detach()
                    .to(new Device("cpu"), ScalarType.Float)
                    .contiguous()
                    .data_ptr_float();
            for (int i = 0; i < rows.length; i++) {
                values.position((long) i * rows[i].length).get(rows[i]);
            }
            return rows;
        }
    }

    /**
     * Copies the rows of a matrix, L2-normalized.
     *
     * @param embeddings [N, D], of any floating type, on any device; borrowed and not changed
     * @return N unit-norm rows of D values; a row of zeros stays zero
     */
    public static float[][] normalized(Tensor embeddings) {
        return normalize(of(embeddings));
    }

    /**
     * Divides each row by its Euclidean norm.
     *
     * @param rows changed; a row of zeros stays zero
     * @return the same rows
     */
    public static float[][] normalize(float[][] rows) {
        for (float[] row : rows) {
            double squares = 0;
            for (float value : row) {
                squares += (double) value * value;
            }
            double norm = Math.max(Math.sqrt(squares), SMALLEST_NORM);
            for (int i = 0; i < row.length; i++) {
                row[i] = (float) (row[i] / norm);
            }
        }
        return rows;
    }
}
