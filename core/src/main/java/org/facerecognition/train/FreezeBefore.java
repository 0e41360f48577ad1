package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.StringSharedModuleDict;

/**
 * Keeps everything before one layer as it is, in all epochs; the layer and what comes after it learn. Nothing before it then
 * takes part in the backward pass, which is twice the work of the forward one.
 *
 * @param layer name of a module of the net, however deep: {@code encoder.layer3}, {@code encoder.features.9}. Before it are
 *     the modules registered before it, which in this library's nets is the order they work in
 */
public record FreezeBefore(String layer) implements Freezer {
    @Override
    public int apply(Module root, int epoch) {
        try (PointerScope scope = new PointerScope()) {
            StringSharedModuleDict modules = root.named_modules("", false); // parents before their children
            if (!modules.contains(layer)) {
                throw new IllegalArgumentException("freezer's layer must be a module of the net, but was \"" + layer
                        + "\"; in the net there are " + names(modules));
            }
            Freezer.setFrozen(root, false);
            int frozen = 0;
            String done = null; // what it is in was frozen whole
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

    /** Those at the top and what is right below them. */
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
