package org.facerecognition.inference;

import java.util.Arrays;
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

/**
 * The cost of one layer of a prepared network, including the operations that are fused with it.
 *
 * @param layer the operation, the shape of its weights and the shape of its result
 * @param seconds the time for a batch
 * @param operations the number of additions and multiplications in convolutions and linear layers; 0 for other layers
 */
public record LayerCost(String layer, double seconds, long operations) {

    /**
     * The part of a layer's cost that does not depend on the batch.
     *
     * @param name the operation and the shape of its weights
     * @param weights the number of weights, each of which is multiplied once per output position
     */
    record Kind(String name, long weights) {
        static Kind of(FusedNode node) {
            Kind kind = node.operation().accept(KINDS);
            String sum = node.addend() == FusedNode.NONE ? "" : ", sum";
            String then = node.then() == null ? "" : ", " + node.then().accept(KINDS).name;
            return new Kind(kind.name + sum + then, kind.weights);
        }

        /**
         * Returns the cost of one run.
         *
         * @param result the shape of the layer's value: [B, C, H, W] or [B, D]
         */
        LayerCost of(long[] result, double seconds) {
            long positions = result[0] * (result.length == 4 ? result[2] * result[3] : 1);
            return new LayerCost(name + " to " + Arrays.toString(result), seconds, 2 * weights * positions);
        }
    }

    private static final Operation.Visitor<Kind> KINDS = new Operation.Visitor<>() {
        private static Kind withoutWeights(Operation operation) {
            return new Kind(operation.getClass().getSimpleName(), 0);
        }

        @Override
        public Kind convolution(Convolution c) {
            String name = "convolution " + Arrays.toString(c.weight().shape()) + ", stride " + c.window();
            return new Kind(name, c.weight().count());
        }

        @Override
        public Kind linear(Linear l) {
            return new Kind(
                    "linear " + Arrays.toString(l.weight().shape()), l.weight().count());
        }

        @Override
        public Kind activation(Activation activation) {
            return new Kind(activation.name(), 0);
        }

        @Override
        public Kind prelu(PRelu prelu) {
            return withoutWeights(prelu);
        }

        @Override
        public Kind normalize(Normalize normalize) {
            return withoutWeights(normalize);
        }

        @Override
        public Kind l2Normalize(L2Normalize l2Normalize) {
            return withoutWeights(l2Normalize);
        }

        @Override
        public Kind batchNorm(BatchNorm batchNorm) {
            return withoutWeights(batchNorm);
        }

        @Override
        public Kind add(Add add) {
            return withoutWeights(add);
        }

        @Override
        public Kind scale(Scale scale) {
            return withoutWeights(scale);
        }

        @Override
        public Kind clip(Clip clip) {
            return new Kind(clip.toString(), 0);
        }

        @Override
        public Kind hardSigmoid(HardSigmoid hardSigmoid) {
            return new Kind(hardSigmoid.toString(), 0);
        }

        @Override
        public Kind concat(Concat concat) {
            return withoutWeights(concat);
        }

        @Override
        public Kind sliceChannels(SliceChannels slice) {
            return withoutWeights(slice);
        }

        @Override
        public Kind shuffleChannels(ShuffleChannels shuffle) {
            return withoutWeights(shuffle);
        }

        @Override
        public Kind upsample(Upsample upsample) {
            return withoutWeights(upsample);
        }

        @Override
        public Kind averagePool(AveragePool pool) {
            return withoutWeights(pool);
        }

        @Override
        public Kind unflatten(Unflatten unflatten) {
            return withoutWeights(unflatten);
        }

        @Override
        public Kind maxPool(MaxPool maxPool) {
            return withoutWeights(maxPool);
        }

        @Override
        public Kind globalAveragePool(GlobalAveragePool pool) {
            return withoutWeights(pool);
        }

        @Override
        public Kind flatten(Flatten flatten) {
            return withoutWeights(flatten);
        }
    };
}
