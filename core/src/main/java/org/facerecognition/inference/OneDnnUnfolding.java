package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Window;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnPlan.Step;

/**
 * Convolutions of small images with many weights as convolutions of 1x1 of unfolded images (im2col): each pixel has the
 * channels of all pixels of its window. The pixels of all images are one image. So the weights, which take longer to
 * read than to multiply, are read once for all of them.
 */
final class OneDnnUnfolding {
    /** What choices call it. */
    static final String NAME = "unfolded";

    private static final int MIN_CHANNELS = 16;
    private static final int MIN_WEIGHTS_PER_VALUE = 6; // of input and result

    private OneDnnUnfolding() {}

    /**
     * Returns whether a convolution has so many weights that this may be faster.
     *
     * @param from [B, C, H, W] of its input
     * @param to [B, C, H, W] of its result
     */
    static boolean fits(Convolution c, long[] from, long[] to) {
        long values = from[1] * from[2] * from[3] + to[1] * to[2] * to[3];
        return c.groups() == 1
                && c.weight().size(2) * c.weight().size(3) > 1
                && Math.min(from[1], to[1]) >= MIN_CHANNELS
                && stridesFit(c.window(), from, to)
                && c.weight().count() >= MIN_WEIGHTS_PER_VALUE * values;
    }

    /**
     * Returns whether as many strides as there are results in a line fit into the padded images. They do not where a
     * kernel is shorter than its stride and ends at the border: for oneDNN, the layout of the first pixels of all
     * windows would overlap itself.
     */
    private static boolean stridesFit(Window window, long[] from, long[] to) {
        long height = window.top() + from[2] + window.bottom();
        long width = window.left() + from[3] + window.right();
        long lines = to[2] == 1 ? height : window.strideY(); // from a line of results to what follows it
        return (to[2] == 1 || window.strideY() * to[2] <= height)
                && (to[3] == 1 || window.strideX() * to[3] <= lines * width);
    }

    /** Adds the calls of a node that is a convolution which {@link #fits}. */
    static void add(OneDnnConvolution.Tools tools, FusedNode node, Convolution c) {
        OneDnnPlan plan = tools.plan();
        long[] from = plan.shape(node.inputs().get(0));
        long[] to = plan.shape(node.output());
        int unfolded = unfold(tools, node, c, from, to);
        memory.desc tall = OneDnnPlace.pixels(1, to[1], to[0] * to[2], to[3]);
        int result = plan.define(tall);
        int addend = FusedNode.NONE;
        boolean addsInPlace = false;
        if (node.addend() != FusedNode.NONE) {
            int added = plan.inLayout(node.addend(), OneDnnPlace.pixels(to));
            addsInPlace = node.addsInPlace() || added != node.addend(); // a copy is not needed later
            addend = plan.define(tall);
            plan.share(addend, added);
        }
        Convolution ofPixels = new Convolution(rows(c), c.bias(), Window.of(1, 0), 1);
        FusedNode ofTall = new FusedNode(
                ofPixels, node.then(), List.of(unfolded), addend, result, addsInPlace ? List.of(addend) : List.of());
        new OneDnnConvolution(tools, node.output(), ofTall, ofPixels, OneDnnConvolution.Layouts.UNFOLDED).add();
        plan.define(node.output(), OneDnnPlace.pixels(to));
        plan.share(node.output(), result);
    }

    /** Returns the number of the value of the unfolded images, whose calls are added. */
    private static int unfold(OneDnnConvolution.Tools tools, FusedNode node, Convolution c, long[] from, long[] to) {
        OneDnnPlan plan = tools.plan();
        Window window = c.window();
        int input = plan.inLayout(plan.input(node, 0), OneDnnPlace.pixels(from));
        OneDnnPadding padding = new OneDnnPadding(plan, tools.weights(), node.output(), from, window);
        long pixel = c.weight().size(2) * c.weight().size(3) * from[1];
        int unfolded = plan.define(OneDnnPlace.pixels(1, pixel, to[0] * to[2], to[3]));
        List<List<Call>> parts = new ArrayList<>();
        for (int i = 0; i < plan.parts(); i++) {
            long begin = from[1] * i / plan.parts();
            long channels = from[1] * (i + 1) / plan.parts() - begin;
            List<Call> calls = padding.calls(input, 0, begin, begin + channels);
            long[] shape = {to[0], to[2], to[3], channels};
            for (long y = 0; y < c.weight().size(2); y++) {
                for (long x = 0; x < c.weight().size(3); x++) {
                    OneDnnPlace values = new OneDnnPlace(
                            padding.value(),
                            OneDnnPlace.strided(
                                    shape,
                                    padding.image(),
                                    window.strideY() * padding.line(),
                                    window.strideX() * from[1],
                                    1),
                            y * window.dilationY() * padding.line() + x * window.dilationX() * from[1] + begin);
                    calls.add(values.copyTo(new OneDnnPlace(
                            unfolded,
                            OneDnnPlace.strided(shape, to[2] * to[3] * pixel, to[3] * pixel, pixel, 1),
                            (y * c.weight().size(3) + x) * from[1] + begin)));
                }
            }
            parts.add(calls);
        }
        plan.add(new Step(parts));
        return unfolded;
    }

    /** Returns the weights for unfolded images: [K, C, y, x] as [K, y, x, C]. */
    private static Constant rows(Convolution c) {
        Constant weight = c.weight();
        long in = weight.size(1);
        long area = weight.size(2) * weight.size(3);
        long[] shape = {weight.size(0), in, area};
        return Constant.of(new long[] {weight.size(0), area * in, 1, 1}, target -> {
            try (PointerScope scope = new PointerScope()) {
                memory given = new memory(OneDnnPlace.dense(shape), OneDnn.engine());
                memory arranged = new memory(OneDnnPlace.strided(shape, area * in, 1, in), OneDnn.engine());
                weight.copyTo(floats(given, weight.count()).asBuffer());
                stream stream = new stream(OneDnn.engine());
                new reorder(given, arranged).execute(stream, given, arranged);
                stream._wait();
                target.put(floats(arranged, weight.count()).asBuffer());
            }
        });
    }

    private static FloatPointer floats(memory values, long count) {
        return new FloatPointer(values.get_data_handle()).capacity(count);
    }
}
