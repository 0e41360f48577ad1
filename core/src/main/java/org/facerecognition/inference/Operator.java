package org.facerecognition.inference;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.Type;
import org.bytedeco.pytorch.global.torch.TypeKind;

/**
 * One of libtorch's operators that JavaCPP gives no method of its own, called through the dispatcher by name. Made inside the
 * scope of its owner; may be called from many threads.
 */
final class Operator {
    private final OperatorHandle handle;

    /** @throws RuntimeException when this libtorch has no such operator */
    Operator(String name, String overload) {
        this.handle = Dispatcher.singleton().findSchemaOrThrow(name, overload);
    }

    /** A list for the argument in place {@code index}, whose elements have the type that the schema asks for. */
    private GenericList list(int index) {
        Type type = handle.schema().arguments().getPointer(index).type().get();
        if (type.kind().intern() == TypeKind.OptionalType) {
            type = type.containedType(0).get();
        }
        return new GenericList(type.containedType(0));
    }

    IValue numbers(int index, long... values) {
        GenericList list = list(index);
        for (long value : values) {
            list.push_back(new IValue(value));
        }
        return new IValue(list);
    }

    IValue numbers(int index, double... values) {
        GenericList list = list(index);
        for (double value : values) {
            list.push_back(new IValue(value));
        }
        return new IValue(list);
    }

    /** Calls one without arguments that gives a truth value. */
    static boolean says(String name) {
        try (PointerScope scope = new PointerScope()) {
            IValueVector stack = new IValueVector();
            new Operator(name, "").handle.callBoxed(stack);
            return stack.get(0).toBool();
        }
    }

    /**
     * Calls it.
     *
     * @param arguments all of the schema's, in order
     * @return the only result; in the caller's scope
     */
    Tensor call(IValue... arguments) {
        try (IValueVector stack = new IValueVector()) {
            for (IValue argument : arguments) {
                stack.push_back(argument);
            }
            handle.callBoxed(stack);
            try (IValue result = stack.get(0);
                    Tensor inside = result.toTensor()) {
                return new Tensor(inside); // a handle of its own: that one is a part of the stack's memory
            }
        }
    }
}
