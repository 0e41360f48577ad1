package org.facerecognition.weights;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.StringTensorDictItem;
import org.bytedeco.pytorch.Tensor;

/** Collects the parameters and buffers of a network by name. */
public final class NamedTensors {
    private NamedTensors() {}

    /**
     * Returns all parameters, then all buffers, in the order of the network. Call it inside a PointerScope: the
     * returned handles are scoped, and the tensors behind them stay the network's.
     *
     * @param net borrowed
     */
    public static Map<String, Tensor> of(Module net) {
        Map<String, Tensor> tensors = parameters(net);
        collect(net.named_buffers(), tensors);
        return tensors;
    }

    /**
     * Returns all parameters in the order of the network. As with {@link #of}, call it inside a PointerScope.
     *
     * @param net borrowed
     */
    public static Map<String, Tensor> parameters(Module net) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        collect(net.named_parameters(), tensors);
        return tensors;
    }

    private static void collect(StringTensorDict named, Map<String, Tensor> into) {
        for (long i = 0; i < named.size(); i++) {
            StringTensorDictItem item = named.get(i);
            into.put(item.key().getString(), new Tensor(item.value())); // item.value() is freed with the dict
        }
    }
}
