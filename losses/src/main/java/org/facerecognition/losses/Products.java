package org.facerecognition.losses;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.Type;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products between which other things are done, many times over.
 *
 * <p>libtorch gives a product of float32 on a CPU to BLAS, whose threads are not OpenMP's, which do everything else. Both
 * kinds spin for up to a tenth of a second when their work is done, on the same processors: they get in each other's
 * way. oneDNN's product runs on OpenMP's threads.
 */
final class Products {
    private static final @Nullable OneDnn ONE_DNN = OneDnn.find();

    private Products() {}

    /**
     * a b^T without gradient. Inside a scope.
     *
     * @param a [M, K]
     * @param b [N, K]; may be a transposed view
     * @return [M, N], of their type
     */
    static Tensor timesTransposed(Tensor a, Tensor b) {
        boolean ours = ONE_DNN != null && a.is_cpu() && a.scalar_type().intern() == ScalarType.Float && a.numel() > 0;
        return ours ? ONE_DNN.linear(a, b) : a.mm(b.t());
    }

    /** The operator {@code mkldnn::_linear_pointwise}, which has no method in Java. */
    private record OneDnn(OperatorHandle operator, Type.TypePtr numberType) {
        static @Nullable OneDnn find() {
            Libtorch.load(); // before oneDNN is used for the first time
            try (PointerScope scope = new PointerScope()) { // what the caller's scope has, it would take away
                OperatorHandle operator = Dispatcher.singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "");
                Type.TypePtr scalars =
                        operator.schema().arguments().getPointer(4).type();
                return new OneDnn(
                        operator.retainReference(),
                        scalars.get().containedType(0).retainReference());
            } catch (RuntimeException e) {
                return null; // a build without oneDNN: plain BLAS
            }
        }

        Tensor linear(Tensor x, Tensor weight) {
            IValueVector stack = new IValueVector();
            stack.push_back(new IValue(x));
            stack.push_back(new IValue(weight));
            stack.push_back(new IValue()); // no bias
            stack.push_back(new IValue("none")); // nothing done to the result
            stack.push_back(new IValue(new GenericList(numberType)));
            stack.push_back(new IValue(new BytePointer("")));
            operator.callBoxed(stack);
            return new Tensor(stack.get(0).toTensor()); // what the stack has goes with it
        }
    }
}
