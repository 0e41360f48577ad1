package org.facerecognition.train;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.weights.NamedTensors;

/**
 * Copies of what a forward pass in training mode changes without an optimizer: running means and variances, the states
 * of margins, centers that follow the embeddings.
 */
public final class BufferCopies implements AutoCloseable {
    private final Map<String, Tensor> copies = new LinkedHashMap<>();

    /** @param net borrowed */
    public BufferCopies(Module net) {
        this(net, name -> false);
    }

    /**
     * Copies the head's parameters too, for a training that sets its class centers before its first step.
     *
     * @param net borrowed
     */
    public static BufferCopies withHead(Module net) {
        return new BufferCopies(net, name -> name.startsWith("head."));
    }

    private BufferCopies(Module net, Predicate<String> isCopiedToo) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Set<String> parameters = NamedTensors.parameters(net).keySet();
            NamedTensors.of(net).forEach((name, tensor) -> {
                if (!parameters.contains(name) || isCopiedToo.test(name)) {
                    copies.put(name, tensor.clone().retainReference());
                }
            });
        }
    }

    /**
     * Copies the values back into the same network, on whatever device it is now. A head whose centers have been spread
     * over processes meanwhile is left as it is.
     */
    public void restore(Module net) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Map<String, Tensor> now = NamedTensors.of(net);
            copies.forEach((name, copy) -> {
                Tensor tensor = now.get(name);
                if (tensor != null && Arrays.equals(tensor.shape(), copy.shape())) {
                    tensor.copy_(copy);
                }
            });
        }
    }

    @Override
    public void close() {
        copies.values().forEach(Tensor::close);
        copies.clear();
    }
}
