package org.facerecognition.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.StringTensorDictItem;
import org.bytedeco.pytorch.Tensor;

/** The parameters and buffers of a net by name, and their filling from a file. */
public final class NamedTensors {
    private static final int MOST_NAMES_PRINTED = 5;

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

    /**
     * Copies a file's tensors into a net's. All or nothing: names and shapes are compared first, and the net is touched
     * only when all fit.
     *
     * @param prefix of the names in the file, {@code ""} for none; other names in the file are passed over
     * @throws WeightsException naming what is missing, left over or of another shape
     */
    public static void fill(Map<String, Tensor> net, SafeTensors file, String prefix) {
        List<String> missing = new ArrayList<>();
        List<String> misshapen = new ArrayList<>();
        List<String> unexpected = new ArrayList<>();
        for (Map.Entry<String, Tensor> wanted : net.entrySet()) {
            String name = prefix + wanted.getKey();
            if (!file.contains(name)) {
                missing.add(wanted.getKey());
            } else if (!Shape.of(wanted.getValue()).equals(Shape.of(file.shape(name)))) {
                misshapen.add(wanted.getKey() + " must be " + Shape.of(wanted.getValue()) + ", but was "
                        + Shape.of(file.shape(name)));
            }
        }
        for (String name : file.names()) {
            if (name.startsWith(prefix) && !net.containsKey(name.substring(prefix.length()))) {
                unexpected.add(name.substring(prefix.length()));
            }
        }
        if (!missing.isEmpty() || !misshapen.isEmpty() || !unexpected.isEmpty()) {
            throw new WeightsException(file.file() + " does not fit this net; use it with the net it was made for."
                    + listed("Missing", missing)
                    + listed("Of another shape", misshapen)
                    + listed("Not in the net", unexpected));
        }
        net.forEach((name, tensor) -> file.copyInto(prefix + name, tensor));
    }

    private static String listed(String what, List<String> names) {
        if (names.isEmpty()) {
            return "";
        }
        List<String> first = names.subList(0, Math.min(names.size(), MOST_NAMES_PRINTED));
        int rest = names.size() - first.size();
        return " " + what + ": " + String.join("; ", first) + (rest > 0 ? " and " + rest + " more" : "") + ". ";
    }
}
