package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Window;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnWeights.Vector;

/** Copies of images with zeros around them, with the channels of a pixel together. */
final class OneDnnPadding {
    private final OneDnnWeights weights;
    private final int layer;
    private final Window window;
    private final long images;
    private final long channels;
    private final long height;
    private final long width;
    private final int value;

    /**
     * Defines the value of the padded images.
     *
     * @param layer the number by which constants are kept
     * @param shape [B, C, H, W] of the images
     * @param window whose padding is added
     */
    OneDnnPadding(OneDnnPlan plan, OneDnnWeights weights, int layer, long[] shape, Window window) {
        this.weights = weights;
        this.layer = layer;
        this.window = window;
        this.images = shape[0];
        this.channels = shape[1];
        this.height = shape[2];
        this.width = shape[3];
        this.value = plan.define(OneDnnPlace.dense(images * image()));
    }

    /** Returns the number of the value. */
    int value() {
        return value;
    }

    /** Returns how many numbers a row of padded pixels has. */
    long line() {
        return (window.left() + width + window.right()) * channels;
    }

    /** Returns how many numbers a padded image has. */
    long image() {
        return (window.top() + height + window.bottom()) * line();
    }

    /**
     * Returns the calls that make the padded images.
     *
     * @param input the number of the images' value, with the channels of a pixel together
     * @param first the number of the first image to pad
     * @param from the first of the channels to copy
     * @param to the end of the channels, exclusive
     */
    List<Call> calls(int input, long first, long from, long to) {
        List<Call> calls = new ArrayList<>();
        long inside = window.top() * line() + window.left() * channels; // the first number of the image itself
        long below = (window.top() + height) * line();
        for (long i = 0; i < images; i++) {
            long start = i * image() + from;
            clear(calls, start, window.top(), line() / channels, to - from);
            clear(calls, start + below, window.bottom(), line() / channels, to - from);
            clear(calls, start + window.top() * line(), height, window.left(), to - from);
            clear(calls, start + inside + width * channels, height, window.right(), to - from);
            long[] whole = {height, width, to - from};
            OneDnnPlace image = new OneDnnPlace(
                    input,
                    OneDnnPlace.strided(whole, width * channels, channels, 1),
                    (first + i) * height * width * channels + from);
            calls.add(image.copyTo(
                    new OneDnnPlace(value, OneDnnPlace.strided(whole, line(), channels, 1), start + inside)));
        }
        return calls;
    }

    /** Adds the call that sets some pixels' channels to zero. */
    private void clear(List<Call> calls, long from, long down, long across, long some) {
        if (down == 0 || across == 0) {
            return;
        }
        long rows = Math.max(window.top(), window.bottom()) * line();
        long columns = height * Math.max(window.left(), window.right()) * channels;
        long most = Math.max(rows, columns);
        long[] shape = {down, across, some};
        weights.vector(layer, Vector.ZEROS, Constant.of(new float[Math.toIntExact(most)], most), most);
        memory zeros = weights.vectorPart(layer, Vector.ZEROS, 0, shape);
        OneDnnPlace place = new OneDnnPlace(value, OneDnnPlace.strided(shape, line(), channels, 1), from);
        calls.add(OneDnnPlan.reorder(
                OneDnnPlace.dense(shape),
                Argument.of(dnnl.DNNL_ARG_FROM, zeros),
                place.layout(),
                place.as(dnnl.DNNL_ARG_TO)));
    }
}
