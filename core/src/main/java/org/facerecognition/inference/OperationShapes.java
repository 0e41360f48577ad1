package org.facerecognition.inference;

import java.util.Arrays;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Add;
import org.facerecognition.graph.Operation.AveragePool;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Clip;
import org.facerecognition.graph.Operation.Concat;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.GlobalAveragePool;
import org.facerecognition.graph.Operation.HardSigmoid;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.Normalize;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Operation.Scale;
import org.facerecognition.graph.Operation.ShuffleChannels;
import org.facerecognition.graph.Operation.SliceChannels;
import org.facerecognition.graph.Operation.Unflatten;
import org.facerecognition.graph.Operation.Upsample;
import org.jspecify.annotations.Nullable;

/**
 * Returns operations whose constants have shapes but no values. A plan that is made later than others takes the values
 * from their weights, and must not read a network that may have changed since, or been closed.
 */
final class OperationShapes implements Operation.Visitor<Operation> {
    static final OperationShapes INSTANCE = new OperationShapes();

    private OperationShapes() {}

    private static @Nullable Constant optional(@Nullable Constant constant) {
        return constant == null ? null : shape(constant);
    }

    private static Constant shape(Constant constant) {
        long[] shape = constant.shape();
        return Constant.of(shape, target -> {
            throw new IllegalStateException("the values of a constant of shape " + Arrays.toString(shape)
                    + " must be taken from the weights of an earlier plan");
        });
    }

    @Override
    public Operation normalize(Normalize normalize) {
        return normalize;
    }

    @Override
    public Operation l2Normalize(L2Normalize l2Normalize) {
        return l2Normalize;
    }

    @Override
    public Operation convolution(Convolution c) {
        return new Convolution(shape(c.weight()), optional(c.bias()), c.window(), c.groups());
    }

    @Override
    public Operation batchNorm(BatchNorm n) {
        return new BatchNorm(shape(n.mean()), shape(n.variance()), shape(n.weight()), shape(n.bias()), n.epsilon());
    }

    @Override
    public Operation add(Add add) {
        return add;
    }

    @Override
    public Operation scale(Scale scale) {
        return scale;
    }

    @Override
    public Operation concat(Concat concat) {
        return concat;
    }

    @Override
    public Operation sliceChannels(SliceChannels slice) {
        return slice;
    }

    @Override
    public Operation shuffleChannels(ShuffleChannels shuffle) {
        return shuffle;
    }

    @Override
    public Operation upsample(Upsample upsample) {
        return upsample;
    }

    @Override
    public Operation averagePool(AveragePool pool) {
        return pool;
    }

    @Override
    public Operation unflatten(Unflatten unflatten) {
        return unflatten;
    }

    @Override
    public Operation clip(Clip clip) {
        return clip;
    }

    @Override
    public Operation hardSigmoid(HardSigmoid hardSigmoid) {
        return hardSigmoid;
    }

    @Override
    public Operation maxPool(MaxPool maxPool) {
        return maxPool;
    }

    @Override
    public Operation globalAveragePool(GlobalAveragePool pool) {
        return pool;
    }

    @Override
    public Operation flatten(Flatten flatten) {
        return flatten;
    }

    @Override
    public Operation linear(Linear l) {
        return new Linear(shape(l.weight()), optional(l.bias()));
    }

    @Override
    public Operation activation(Activation activation) {
        return activation;
    }

    @Override
    public Operation prelu(PRelu p) {
        return new PRelu(shape(p.slopes()));
    }
}
