package org.facerecognition.onnx;

import java.util.Arrays;
import org.facerecognition.graph.Window;
import org.facerecognition.onnx.Computed.View;

/**
 * Reads how the window of a convolution or a pooling moves over images. Zeros that a Pad before it adds are padding of
 * the window.
 */
final class NodeWindow {
    private final Nodes node;
    private final NodeProto proto;
    private final Computed images;
    private final long[] zeros; // by a Pad before: top, left, bottom, right

    NodeWindow(Nodes node) {
        this.node = node;
        this.proto = node.node();
        Computed given = node.computed(0);
        boolean padded = given.view() == View.PADDED;
        this.zeros = padded ? node.converter().padding(proto.input(0)) : new long[4];
        this.images = node.converter().images(padded ? Computed.of(given.value(), given.base()) : given);
    }

    /** Returns the images without any padding. */
    Computed images() {
        return images;
    }

    /** Returns whether a Pad before adds zeros. */
    boolean isPaddedBefore() {
        return Arrays.stream(zeros).anyMatch(side -> side > 0);
    }

    boolean hasOwnPadding() {
        return padsToTheSameSize() || Arrays.stream(pads()).anyMatch(side -> side != 0);
    }

    /** Returns the padding that the node names, which counts only where it is not to be found otherwise. */
    private long[] pads() {
        long[] pads = proto.numbers("pads", 0, 0, 0, 0).clone();
        if (proto.text("auto_pad", "NOTSET").equals("VALID")) {
            Arrays.fill(pads, 0);
        }
        return pads;
    }

    boolean padsToTheSameSize() {
        return proto.text("auto_pad", "NOTSET").startsWith("SAME");
    }

    /** Returns whether windows may lie in part behind the padding. */
    boolean roundsUp() {
        return proto.number("ceil_mode", 0) != 0;
    }

    /** Requires windows that reach beyond the padding; ONNX Runtime would not run an export with other ones. */
    void requireLessPadding(Window w, long[] kernel) {
        boolean less = Math.max(w.top(), w.bottom()) < kernel[0] && Math.max(w.left(), w.right()) < kernel[1];
        node.require(less, "its padding is not smaller than its window");
    }

    /** Returns a window of so many rows and columns. */
    Window of(long height, long width) {
        return of(height, width, roundsUp());
    }

    /** Returns the window as it would be if sizes were not rounded up. */
    Window roundedDown(long height, long width) {
        return of(height, width, false);
    }

    private Window of(long height, long width, boolean roundsUp) {
        long[] kernel = proto.numbers("kernel_shape", height, width);
        node.require(kernel.length == 2 && kernel[0] == height && kernel[1] == width, "its kernel is not its weights'");
        int[] strides = pair("strides");
        int[] dilations = pair("dilations");
        long[] pads = pads();
        node.require(pads.length == 4, "its padding is not that of images");
        for (int i = 0; i < 4; i++) {
            node.require(pads[i] >= 0, "it cuts its input");
            pads[i] += zeros[i];
        }
        long[] spans = {(height - 1) * dilations[0] + 1, (width - 1) * dilations[1] + 1};
        if (padsToTheSameSize()) {
            for (int axis = 0; axis < 2; axis++) {
                long size = images.base()[2 + axis] + zeros[axis] + zeros[axis + 2];
                long positions = (size + strides[axis] - 1) / strides[axis];
                long all = Math.max(0, (positions - 1) * strides[axis] + spans[axis] - size);
                long less = all / 2;
                long before = proto.text("auto_pad", "").equals("SAME_LOWER") ? all - less : less;
                pads[axis] = zeros[axis] + before;
                pads[axis + 2] = zeros[axis + 2] + all - before;
            }
        }
        if (roundsUp) {
            for (int axis = 0; axis < 2; axis++) {
                pads[axis + 2] +=
                        missing(images.base()[2 + axis], spans[axis], strides[axis], pads[axis], pads[axis + 2]);
            }
        }
        return new Window(
                strides[0],
                strides[1],
                dilations[0],
                dilations[1],
                Math.toIntExact(pads[0]),
                Math.toIntExact(pads[1]),
                Math.toIntExact(pads[2]),
                Math.toIntExact(pads[3]));
    }

    /** Returns the padding that a last window lacks, which begins within the image or the padding before it. */
    private static long missing(long size, long span, int stride, long before, long after) {
        long rest = Math.floorMod(size + before + after - span, (long) stride);
        long positions = Math.floorDiv(size + before + after - span, (long) stride) + 1;
        boolean beginsInside = positions * stride < size + before;
        return rest != 0 && beginsInside ? stride - rest : 0;
    }

    private int[] pair(String attribute) {
        long[] pair = proto.numbers(attribute, 1, 1);
        node.require(pair.length == 2, "its " + attribute + " are not those of images");
        return new int[] {Math.toIntExact(pair[0]), Math.toIntExact(pair[1])};
    }
}
