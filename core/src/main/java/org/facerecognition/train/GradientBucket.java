package org.facerecognition.train;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Gradients that travel together in one tensor, and become parts of it. At its end is for each parameter the number
 * of ranks on which it has a gradient: one that has none anywhere has none afterwards.
 */
final class GradientBucket {
    private static final long BUCKET_VALUES = 4 << 20; // 16 MiB of float32

    private final List<Tensor> parameters = new ArrayList<>();
    private long values;
    private Tensor packed = new Tensor();

    /** Returns the parameters that train, in buckets. */
    static List<GradientBucket> of(Collection<Tensor> parameters) {
        List<GradientBucket> buckets = new ArrayList<>();
        for (Tensor parameter : parameters) {
            if (parameter.requires_grad()) {
                if (buckets.isEmpty() || !buckets.get(buckets.size() - 1).takes(parameter)) {
                    buckets.add(new GradientBucket());
                }
                buckets.get(buckets.size() - 1).add(parameter);
            }
        }
        return buckets;
    }

    boolean takes(Tensor parameter) {
        Tensor first = parameters.get(0);
        return values < BUCKET_VALUES
                && parameter.scalar_type().intern() == first.scalar_type().intern();
    }

    void add(Tensor parameter) {
        parameters.add(parameter);
        values += parameter.numel();
    }

    Tensor pack() {
        packed = parameters.get(0).new_zeros(values + parameters.size());
        float[] has = new float[parameters.size()];
        long at = 0;
        for (int i = 0; i < has.length; i++) {
            Tensor parameter = parameters.get(i);
            if (parameter.grad().defined()) {
                has[i] = 1;
                gradient(parameter, at).copy_(parameter.grad());
            }
            at += parameter.numel();
        }
        packed.narrow(0, at, has.length).copy_(Tensor.create(has));
        return packed;
    }

    void unpack() {
        Tensor has = packed.narrow(0, values, parameters.size()).to(new Device("cpu"), ScalarType.Double);
        long at = 0;
        for (int i = 0; i < parameters.size(); i++) {
            Tensor parameter = parameters.get(i);
            if (has.get(i).item_double() > 0) {
                parameter.mutable_grad().put(gradient(parameter, at));
            }
            at += parameter.numel();
        }
    }

    /** Returns a parameter's part, in the parameter's memory layout, which is the same on all ranks. */
    private Tensor gradient(Tensor parameter, long at) {
        Tensor flat = packed.narrow(0, at, parameter.numel());
        return parameter.dim() == 4 && parameter.is_contiguous(MemoryFormat.ChannelsLast)
                ? flat.as_strided(
                        parameter.sizes().vec().get(), parameter.strides().vec().get())
                : flat.view_as(parameter);
    }
}
