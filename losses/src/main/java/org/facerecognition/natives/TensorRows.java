package org.facerecognition.natives;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** From a matrix on any device to arrays of Java. */
public final class TensorRows {
    private TensorRows() {}

    /** @param matrix [n, d], of any floating type */
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

    /** @param embeddings [n, d]; each comes out with Euclidean norm 1 */
    public static float[][] normalized(Tensor embeddings) {
        try (PointerScope scope = new PointerScope()) {
            return of(torch.normalize(embeddings));
        }
    }
}
