package org.facerecognition.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** A tensor's values; the tensor is borrowed, and its changes are seen. */
final class TensorConstant implements Constant {
    private final Tensor tensor;

    TensorConstant(Tensor tensor) {
        this.tensor = tensor;
    }

    /** Returns the address of the values, on the tensor's device. */
    long address() {
        try (Pointer values = tensor.data_ptr()) {
            return values.address();
        }
    }

    /** Returns whether the shapes are the same, and the places of the values in memory. */
    boolean hasLayoutOf(TensorConstant other) {
        return Arrays.equals(tensor.shape(), other.tensor.shape()) && Arrays.equals(strides(), other.strides());
    }

    private long[] strides() {
        return LongStream.range(0, tensor.dim()).map(tensor::stride).toArray();
    }

    /** Returns a tensor that shares the memory, without gradients; scoped. */
    Tensor shared() {
        return tensor.detach();
    }

    @Override
    public long[] shape() {
        return tensor.shape();
    }

    @Override
    public void copyTo(FloatBuffer target) {
        try (PointerScope scope = new PointerScope()) {
            FloatBuffer values = tensor().createBuffer();
            target.put(values);
        }
    }

    @Override
    public Tensor tensor() {
        return tensor.detach().to(new Device("cpu"), ScalarType.Float).contiguous();
    }

    @Override
    public Constant slice(long from, long to) {
        return new TensorConstant(tensor.detach().narrow(0, from, to - from));
    }

    @Override
    public Constant reshape(long... shape) {
        return new TensorConstant(tensor.detach().reshape(shape));
    }
}
