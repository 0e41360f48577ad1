package org.facerecognition.weights;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.StringTensorDictItem;
import org.bytedeco.pytorch.Tensor;

/** The parameters and buffers of a net by name. */
public final class NamedTensors {
    private NamedTensors() {}

    /**
     * All parameters, then all buffers, in the net's order. Call inside a PointerScope, which then closes the handles;
     * the tensors themselves are the net's.
     */
    public static Map<String, Tensor> of(Module net) {
        Map<String, Tensor> tensors = parameters(net);
        collect(net.named_buffers(), tensors);
        return tensors;
    }

    /** All parameters, in the net's order. As {@link #of}, inside a PointerScope. */
    public static Map<String, Tensor> parameters(Module net) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        collect(net.named_parameters(), tensors);
        return tensors;
    }

    private static void collect(StringTensorDict named, Map<String, Tensor> into) {
        for (long i = 0; i < named.size(); i++) {
            StringTensorDictItem item = named.get(i);
            into.put(item.key().getString(), new Tensor(item.value())); // the item's own goes with the dict
        }
    }
}
