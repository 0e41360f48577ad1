package org.facerecognition.train;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.FunctionSchema;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.Type;

/**
 * One of libtorch's fused optimizer kernels, which update many parameters in one pass over memory. JavaCPP has no
 * methods for them, so they are called by name through the dispatcher.
 */
final class FusedKernel {
    private final OperatorHandle operator;
    private final Type.TypePtr tensorType;

    FusedKernel(String name) {
        try (PointerScope scope = new PointerScope()) { // or the caller's scope would close the handles
            this.operator = Dispatcher.singleton().findSchemaOrThrow(name, "").retainReference();
            FunctionSchema schema = operator.schema();
            Type.TypePtr self = schema.arguments().getPointer(0).type(); // of "Tensor[] self"
            this.tensorType = self.get().containedType(0).retainReference();
        }
    }

    /**
     * Calls the kernel. Call inside a PointerScope.
     *
     * @param lists the leading arguments: lists of tensors
     * @param settings the numbers and booleans that follow, in the schema's order, without grad_scale and found_inf
     */
    void call(List<List<Tensor>> lists, List<Object> settings) {
        IValueVector stack = new IValueVector();
        for (List<Tensor> list : lists) {
            GenericList values = new GenericList(tensorType);
            values.reserve(list.size());
            list.forEach(tensor -> values.push_back(new IValue(tensor)));
            stack.push_back(new IValue(values));
        }
        for (Object setting : settings) {
            stack.push_back(
                    setting instanceof Boolean flag ? new IValue((boolean) flag) : new IValue((double) setting));
        }
        stack.push_back(new IValue()); // grad_scale
        stack.push_back(new IValue()); // found_inf
        operator.callBoxed(stack);
    }
}
