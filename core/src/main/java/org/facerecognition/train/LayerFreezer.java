package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.SharedModuleVector;
import org.bytedeco.pytorch.StringSharedModuleDict;

/**
 * Freezes the first layers of a part of the network in some epochs: those that detect edges and textures need not be
 * trained again when a pretrained network is fine-tuned.
 *
 * @param parent name of the module whose children are counted: {@code encoder} for the whole backbone, {@code
 *     encoder.layer4} for a part of it. Only children are frozen, not what the module itself holds
 * @param strategy how many of the first children are frozen in each epoch
 */
public record LayerFreezer(String parent, Strategy strategy) implements Freezer {
    /** How many of the first children are frozen. */
    @FunctionalInterface
    public interface Strategy {
        /**
         * @param epoch from 0
         * @param children the number of children
         * @return the number to freeze, in [0, children]
         */
        int frozen(int epoch, int children);
    }

    /**
     * Freezes by a list, as in the study: entry i is the number of frozen children in epoch i; after the list, none.
     *
     * @throws IllegalArgumentException when an entry is negative
     */
    public static LayerFreezer byEpoch(String parent, List<Integer> frozenByEpoch) {
        List<Integer> list = List.copyOf(frozenByEpoch);
        for (int count : list) {
            if (count < 0) {
                throw new IllegalArgumentException("strategy must hold numbers of at least 0, but had " + count);
            }
        }
        return new LayerFreezer(parent, new Strategy() {
            @Override
            public int frozen(int epoch, int children) {
                return epoch < list.size() ? list.get(epoch) : 0;
            }

            @Override
            public String toString() {
                return list.toString();
            }
        });
    }

    /**
     * Freezes the first {@code count} children throughout.
     *
     * @throws IllegalArgumentException when {@code count} is negative
     */
    public static LayerFreezer first(String parent, int count) {
        if (count < 0) {
            throw new IllegalArgumentException("count must be at least 0, but was " + count);
        }
        return new LayerFreezer(parent, new Strategy() {
            @Override
            public int frozen(int epoch, int children) {
                return count;
            }

            @Override
            public String toString() {
                return "first " + count;
            }
        });
    }

    /**
     * Freezes all children in the first epochs and none afterwards, so that the head is trained first.
     *
     * @throws IllegalArgumentException when {@code epochs} is negative
     */
    public static LayerFreezer allFor(String parent, int epochs) {
        if (epochs < 0) {
            throw new IllegalArgumentException("epochs must be at least 0, but was " + epochs);
        }
        return new LayerFreezer(parent, new Strategy() {
            @Override
            public int frozen(int epoch, int children) {
                return epoch < epochs ? children : 0;
            }

            @Override
            public String toString() {
                return "all for " + epochs + " epochs";
            }
        });
    }

    /**
     * Freezes all but the last child at first, and one fewer after every {@code epochsPerLayer} epochs, from the last
     * to the first.
     *
     * @throws IllegalArgumentException when {@code epochsPerLayer} is less than 1
     */
    public static LayerFreezer gradual(String parent, int epochsPerLayer) {
        if (epochsPerLayer < 1) {
            throw new IllegalArgumentException("epochsPerLayer must be at least 1, but was " + epochsPerLayer);
        }
        return new LayerFreezer(parent, new Strategy() {
            @Override
            public int frozen(int epoch, int children) {
                return Math.max(0, children - 1 - epoch / epochsPerLayer);
            }

            @Override
            public String toString() {
                return "all but the last, one fewer every " + epochsPerLayer + " epochs";
            }
        });
    }

    /** @throws IllegalArgumentException when there is no such parent, or it has fewer children than are to be frozen */
    @Override
    public int apply(Module root, int epoch) {
        try (PointerScope scope = new PointerScope()) {
            StringSharedModuleDict modules = root.named_modules("", false);
            if (!modules.contains(parent)) {
                throw new IllegalArgumentException("freezer's parent must be a module of the network, but was \""
                        + parent + "\"; at the top there are " + names(root));
            }
            Module found = modules.get(parent);
            SharedModuleVector children = found.children();
            if (children.size() == 0) {
                throw new IllegalArgumentException("freezer's parent must have layers to count, but \"" + parent
                        + "\" is a single layer; give the module that holds it");
            }
            int count = strategy.frozen(epoch, (int) children.size());
            if (count < 0 || count > children.size()) {
                throw new IllegalArgumentException("freezer must freeze between 0 and " + children.size()
                        + " children of \"" + parent + "\" " + names(found) + ", but was to freeze " + count);
            }
            for (int i = 0; i < children.size(); i++) {
                Freezer.setFrozen(children.get(i), i < count);
            }
            return count;
        }
    }

    private static List<String> names(Module parent) {
        StringSharedModuleDict children = parent.named_children();
        List<String> names = new ArrayList<>();
        for (long i = 0; i < children.size(); i++) {
            names.add(children.keys().get(i).getString());
        }
        return names;
    }
}
