package org.facerecognition.losses;

import java.util.List;
import java.util.stream.DoubleStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Converts Java's numbers to tensors and back. Tensors are scoped. */
final class Tensors {
    private Tensors() {}

    static Tensor doubles(double... values) {
        return Tensor.create(values);
    }

    static Tensor floats(float... values) {
        return Tensor.create(values);
    }

    static Tensor labels(long... values) {
        return Tensor.create(values);
    }

    static Tensor rows(double[][] values) {
        double[] flat = new double[values.length * values[0].length];
        for (int i = 0; i < values.length; i++) {
            System.arraycopy(values[i], 0, flat, i * values[0].length, values[0].length);
        }
        return Tensor.create(flat).reshape(values.length, values[0].length);
    }

    static double[] values(Tensor tensor) {
        Tensor flat = tensor.detach().to(ScalarType.Double).contiguous();
        double[] values = new double[(int) flat.numel()];
        if (values.length > 0) { // without values there is no pointer
            flat.data_ptr_double().get(values);
        }
        return values;
    }

    static List<Double> boxed(double[] values) {
        return DoubleStream.of(values).boxed().toList();
    }
}
