package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.StringSharedModuleDict;

/**
 * Freezes everything before one layer in all epochs; the layer and those after it are trained. The frozen layers take
 * no part in the backward pass, which costs twice as much as the forward pass.
 *
 * @param layer name of a module of the network, however deep: {@code encoder.layer3}, {@code encoder.features.9}.
 *     Before it are the modules registered before it, which in this library's nets is the order they work in
 */
public record FreezeBefore(String layer) implements Freezer {
    @Override
    public int apply(Module root, int epoch) {
        try (PointerScope scope = new PointerScope()) {
            StringSharedModuleDict modules = root.named_modules("", false); // in pre-order
            if (!modules.contains(layer)) {
                throw new IllegalArgumentException("freezer's layer must be a module of the network, but was \"" + layer
                        + "\"; in the network there are " + names(modules));
            }
            Freezer.setFrozen(root, false);
            int frozen = 0;
            String done = null; // the last module that was frozen as a whole
            for (long i = 0; i < modules.size(); i++) {
                String name = modules.keys().get(i).getString();
                if (name.equals(layer)) {
                    break;
                }
                boolean within = done != null && name.startsWith(done + ".");
                if (!within && !holdsLayer(name)) {
                    Freezer.setFrozen(modules.get(name), true);
                    done = name;
                    frozen++;
                }
            }
            return frozen;
        }
    }

    private boolean holdsLayer(String name) {
        return name.isEmpty() || layer.startsWith(name + ".");
    }

    /** Names of the modules on the first two levels. */
    private static List<String> names(StringSharedModuleDict modules) {
        List<String> names = new ArrayList<>();
        for (long i = 0; i < modules.size(); i++) {
            String name = modules.keys().get(i).getString();
            if (name.indexOf('.') == name.lastIndexOf('.') && !name.isEmpty()) {
                names.add(name);
            }
        }
        return names;
    }

    @Override
    public String toString() {
        return "all before " + layer;
    }
}
