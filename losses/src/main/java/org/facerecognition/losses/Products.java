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
 * Matrix products for loops that alternate them with other tensor operations many times.
 *
 * <p>On a CPU libtorch computes float32 products with BLAS, whose threads are not the OpenMP threads that compute
 * everything else. Both kinds keep spinning for up to a tenth of a second after their work, on the same processors, and
 * slow each other down. oneDNN's product runs on the OpenMP threads.
 */
final class Products {
    private static final @Nullable OneDnn ONE_DNN = OneDnn.find();

    private Products() {}

    /**
     * Returns a b^T, without gradient. Call it inside a PointerScope.
     *
     * @param a [M, K]
     * @param b [N, K]; may be a transposed view
     * @return [M, N], of the type of the arguments; scoped
     */
    static Tensor timesTransposed(Tensor a, Tensor b) {
        boolean isFloat = a.scalar_type().intern() == ScalarType.Float;
        return ONE_DNN != null && a.is_cpu() && isFloat && a.numel() > 0 ? ONE_DNN.linear(a, b) : a.mm(b.t());
    }

    /** The operator {@code mkldnn::_linear_pointwise}, which JavaCPP has no method for. */
    private record OneDnn(OperatorHandle operator, Type.TypePtr numberType) {
        static @Nullable OneDnn find() {
            Libtorch.load(); // before oneDNN is used for the first time
            try (PointerScope scope = new PointerScope()) { // the caller's scope would close them
                OperatorHandle operator = Dispatcher.singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "");
                Type.TypePtr scalars =
                        operator.schema().arguments().getPointer(4).type();
                return new OneDnn(
                        operator.retainReference(),
                        scalars.get().containedType(0).retainReference());
            } catch (RuntimeException e) {
                return null; // a build without oneDNN: use BLAS
            }
        }

        Tensor linear(Tensor x, Tensor weight) {
            IValueVector stack = new IValueVector();
            stack.push_back(new IValue(x));
            stack.push_back(new IValue(weight));
            stack.push_back(new IValue()); // no bias
            stack.push_back(new IValue("none")); // no operation on the result
            stack.push_back(new IValue(new GenericList(numberType)));
            stack.push_back(new IValue(new BytePointer("")));
            operator.callBoxed(stack);
            return new Tensor(stack.get(0).toTensor()); // the stack's own tensor is freed with it
        }
    }
}
