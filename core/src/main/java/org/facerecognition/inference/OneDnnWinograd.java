package org.facerecognition.inference;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.bytedeco.dnnl.binary;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Window;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnPlan.Step;
import org.facerecognition.inference.OneDnnPointwise.PostOp;
import org.facerecognition.inference.OneDnnSlabs.Slab;
import org.facerecognition.inference.OneDnnWeights.Vector;
import org.jspecify.annotations.Nullable;

/**
 * The calls of one convolution that {@link WinogradTiles} compute. All of them are oneDNN's primitives: copies of
 * overlapping tiles, products with the small matrices that transform them, and products that sum the channels.
 *
 * <p>Tiles are numbered over all images. Each of a tile's n x n terms lies in a plane that has the channels of all
 * tiles, so that transforming a row or a column of terms is the product of a small matrix and n long rows. For an image
 * that is alone, threads share the channels to copy, then the rows of planes, then the rows of results.
 */
/*
 * Long because the layouts of the steps depend on one another; each is used by the step that writes it and the next.
 */
final class OneDnnWinograd {
    private final OneDnnPlan plan;
    private final OneDnnWeights weights;
    private final OneDnnPointwise pointwise;
    private final FusedNode node;
    private final Convolution convolution;
    private final WinogradTiles tiles;
    private final @Nullable PostOp postOp;

    private final long allImages;
    private final long images; // whose tiles are computed together
    private final long inputs; // channels
    private final long outputs; // channels
    private final long height;
    private final long width;
    private final long tilesDown;
    private final long tilesAcross;
    private final int side; // of a tile of results
    private final int terms; // the side of a tile of values
    private final long plane; // floats in a plane of the input
    private final long resultPlane; // floats in a plane of the result
    private final int parts;

    private final memory valueTransform;
    private final memory resultTransform;
    private final int input;
    private final OneDnnPadding padding;
    private final int gathered; // terms x terms planes
    private final int rows; // terms x terms planes, with the rows of terms transformed
    private final int columns; // terms x side planes of the result, with the columns transformed back
    private final int resultTiles; // side x side planes of the result
    private final int result; // an image again

    /**
     * Defines a layer's values.
     *
     * @param node the layer
     * @param c its operation
     * @param tiles with which it is computed
     */
    OneDnnWinograd(
            OneDnnPlan plan,
            OneDnnWeights weights,
            OneDnnPointwise pointwise,
            FusedNode node,
            Convolution c,
            WinogradTiles tiles) {
        this.plan = plan;
        this.weights = weights;
        this.pointwise = pointwise;
        this.node = node;
        this.convolution = c;
        this.tiles = tiles;
        this.postOp = node.then() == null ? null : PostOp.of(node.then());
        long[] from = plan.shape(node.inputs().get(0));
        long[] to = plan.shape(node.output());
        this.allImages = to[0];
        this.inputs = from[1];
        this.outputs = to[1];
        this.height = to[2];
        this.width = to[3];
        this.side = tiles.side();
        this.terms = tiles.terms();
        this.tilesDown = tiles.count(height);
        this.tilesAcross = tiles.count(width);
        long tilesOfImage = tilesDown * tilesAcross;
        // values that stay in the cache save more time than weights that are read once for all images, or less
        this.images = outputs < 2 * tilesOfImage ? 1 : allImages;
        this.plane = images * tilesOfImage * inputs;
        this.resultPlane = images * tilesOfImage * outputs;
        this.parts = (int) Math.min(plan.parts(), tilesDown);
        this.valueTransform = matrix(Vector.VALUE_TRANSFORM, tiles.ofValues(), terms);
        this.resultTransform = matrix(Vector.RESULT_TRANSFORM, tiles.ofResults(), side);
        this.input = plan.inLayout(plan.input(node, 0), OneDnnPlace.pixels(from));
        plan.define(node.output(), OneDnnPlace.pixels(to));
        int bottom = Math.toIntExact(side * tilesDown + 1 - height);
        int right = Math.toIntExact(side * tilesAcross + 1 - width);
        this.padding = new OneDnnPadding(
                plan,
                weights,
                node.output(),
                new long[] {images, inputs, height, width},
                new Window(1, 1, 1, 1, 1, 1, bottom, right));
        this.gathered = plan.define(OneDnnPlace.dense(terms * terms * plane));
        this.rows = plan.define(OneDnnPlace.dense(terms * terms * plane));
        this.columns = plan.define(OneDnnPlace.dense(terms * side * resultPlane));
        this.resultTiles = plan.define(OneDnnPlace.dense(side * side * resultPlane));
        this.result = adds() || hasSlopes() ? plan.define(OneDnnPlace.pixels(to)) : node.output();
    }

    private memory matrix(Vector kind, float[] values, int height) {
        return weights.vector(node.output(), kind, Constant.of(values, 1, height, terms), 1, height, terms);
    }

    private boolean adds() {
        return node.addend() != FusedNode.NONE;
    }

    /** Returns whether the pointwise operation has constants of its own, and needs a call of its own. */
    private boolean hasSlopes() {
        return postOp != null && postOp.slopes() != null;
    }

    /** Adds the calls to the plan. */
    void add() {
        int addend = adds() ? plan.inLayout(node.addend(), plan.layout(node.output())) : FusedNode.NONE;
        int sum = adds() && hasSlopes() ? plan.define(plan.layout(node.output())) : node.output();
        if (adds() && addend == node.addend() && node.addsInPlace()) {
            plan.share(node.output(), addend);
            plan.share(sum, addend);
        }
        for (long start = 0; start < allImages; start += images) {
            long first = start;
            addStep(i -> gather(first, inputs * i / parts, inputs * (i + 1) / parts));
            addStep(i -> transformRows(terms * i / parts, terms * (i + 1) / parts));
            addStep(i -> multiply(terms * i / parts, terms * (i + 1) / parts));
            addStep(i -> {
                List<Call> calls = write(first, tilesDown * i / parts, tilesDown * (i + 1) / parts);
                if (first + images == allImages) {
                    calls.addAll(finish(addend, sum, tilesDown * i / parts, tilesDown * (i + 1) / parts));
                }
                return calls;
            });
        }
    }

    /** Adds a step to the plan. A single part is added as several steps: after each, buffers are free for others. */
    private void addStep(IntFunction<List<Call>> part) {
        if (parts == 1) {
            part.apply(0).forEach(plan::add);
        } else {
            plan.add(new Step(IntStream.range(0, parts)
                    .mapToObj(part)
                    .filter(calls -> !calls.isEmpty())
                    .toList()));
        }
    }

    // ---- layouts and calls ----

    /** The product of a small matrix and long rows, for which oneDNN's general product is the fastest. */
    private record LongProduct(matmul primitive, matmul.primitive_desc descriptor) {
        static LongProduct of(
                memory.desc left, memory.desc rows, memory.desc bias, memory.desc product, primitive_attr attributes) {
            matmul.primitive_desc descriptor = OneDnn.preferring(
                    "gemm",
                    () -> new matmul.primitive_desc(OneDnn.engine(), left, rows, bias, product, attributes, false));
            return new LongProduct(new matmul(descriptor), descriptor);
        }

        static LongProduct of(memory.desc left, memory.desc rows, memory.desc product) {
            return of(left, rows, new memory.desc(), product, OneDnn.attributes());
        }

        Call call(memory matrix, OneDnnPlace rows, OneDnnPlace product) {
            return Call.of(
                    primitive,
                    descriptor,
                    Argument.of(dnnl.DNNL_ARG_SRC, matrix),
                    rows.as(dnnl.DNNL_ARG_WEIGHTS),
                    product.as(dnnl.DNNL_ARG_DST));
        }
    }

    // ---- values ----

    /** Returns the calls that copy some channels of images to the planes. */
    private List<Call> gather(long first, long from, long to) {
        List<Call> calls = padding.calls(input, first, from, to);
        for (long image = 0; image < images; image++) {
            long start = image * padding.image() + from;
            long target = image * tilesDown * tilesAcross * inputs + from;
            for (int down = 0; down < terms; down += side) { // a layout must not overlap itself, as tiles do
                for (int across = 0; across < terms; across += side) {
                    long[] some = {
                        Math.min(side, terms - down), Math.min(side, terms - across), tilesDown, tilesAcross, to - from
                    };
                    OneDnnPlace values = new OneDnnPlace(
                            padding.value(),
                            OneDnnPlace.strided(some, padding.line(), inputs, side * padding.line(), side * inputs, 1),
                            start + down * padding.line() + across * inputs);
                    calls.add(values.copyTo(new OneDnnPlace(
                            gathered,
                            OneDnnPlace.strided(some, terms * plane, plane, tilesAcross * inputs, inputs, 1),
                            target + (down * terms + across) * plane)));
                }
            }
        }
        return calls;
    }

    // ---- products ----

    /** Returns the calls that transform the rows of terms, in some columns of planes; none for no columns. */
    private List<Call> transformRows(int from, int to) {
        if (from == to) {
            return List.of();
        }
        long[] shape = {1, terms, (to - from) * plane};
        memory.desc some = OneDnnPlace.strided(shape, terms * terms * plane, terms * plane, 1);
        return List.of(LongProduct.of(OneDnnPlace.dense(1, terms, terms), some, some)
                .call(
                        valueTransform,
                        new OneDnnPlace(gathered, some, from * plane),
                        new OneDnnPlace(rows, some, from * plane)));
    }

    /** Returns the calls that transform, multiply and transform back some rows of planes; none for no rows. */
    private List<Call> multiply(int from, int to) {
        memory.desc row = OneDnnPlace.dense(1, terms, plane);
        memory.desc resultRow = OneDnnPlace.dense(1, terms, resultPlane);
        memory.desc column = OneDnnPlace.dense(1, side, resultPlane);
        OneDnnPlace values = new OneDnnPlace(plan.define(OneDnnPlace.dense(terms * plane)), row, 0);
        OneDnnPlace sums = new OneDnnPlace(plan.define(OneDnnPlace.dense(terms * resultPlane)), resultRow, 0);
        LongProduct there = LongProduct.of(OneDnnPlace.dense(1, terms, terms), row, row);
        LongProduct back = LongProduct.of(OneDnnPlace.dense(1, side, terms), resultRow, column);
        memory.desc known = weights.winogradLayout(node.output());
        matmul.primitive_desc descriptor = new matmul.primitive_desc(
                OneDnn.engine(),
                OneDnnPlace.dense(terms, plane / inputs, inputs),
                known == null ? OneDnn.anyLayout(data_type.f32, terms, inputs, outputs) : known,
                OneDnnPlace.dense(terms, plane / inputs, outputs),
                OneDnn.attributes(),
                false);
        matmul sumOfChannels = new matmul(descriptor);
        List<Call> calls = new ArrayList<>();
        for (int i = from; i < to; i++) {
            calls.add(there.call(valueTransform, new OneDnnPlace(rows, row, i * terms * plane), values));
            calls.add(Call.of(
                    sumOfChannels,
                    descriptor,
                    new OneDnnPlace(values.value(), descriptor.src_desc(), 0).as(dnnl.DNNL_ARG_SRC),
                    Argument.of(
                            dnnl.DNNL_ARG_WEIGHTS,
                            weights.winograd(node.output(), convolution.weight(), tiles, descriptor.weights_desc(), i)),
                    new OneDnnPlace(sums.value(), descriptor.dst_desc(), 0).as(dnnl.DNNL_ARG_DST)));
            calls.add(back.call(resultTransform, sums, new OneDnnPlace(columns, column, i * side * resultPlane)));
        }
        return calls;
    }

    // ---- results ----

    /** Returns the calls that write the results of some rows of tiles of images, with bias. */
    private List<Call> write(long first, long from, long to) {
        List<Call> calls = new ArrayList<>();
        for (long image = 0; image < images; image++) {
            calls.add(transformBack(image, from, to));
            long whole = Math.min(to, height / side);
            write(calls, first, image, from, whole - from, side);
            write(calls, first, image, whole, to - whole, height % side);
        }
        return calls;
    }

    private Call transformBack(long image, long from, long to) {
        long line = tilesAcross * outputs;
        long length = (to - from) * line;
        long start = (image * tilesDown + from) * line;
        long stride = side * resultPlane;
        OneDnnPlace products = new OneDnnPlace(
                columns, OneDnnPlace.strided(new long[] {side, terms, length}, resultPlane, stride, 1), start);
        OneDnnPlace results = new OneDnnPlace(
                resultTiles, OneDnnPlace.strided(new long[] {side, side, length}, resultPlane, stride, 1), start);
        primitive_attr attributes = OneDnn.attributes();
        if (postOp != null && !hasSlopes() && !adds()) {
            attributes.set_post_ops(postOps(postOp));
        }
        List<Argument> arguments = new ArrayList<>(List.of(
                Argument.of(dnnl.DNNL_ARG_SRC, resultTransform),
                products.as(dnnl.DNNL_ARG_WEIGHTS),
                results.as(dnnl.DNNL_ARG_DST)));
        memory.desc biasLayout = new memory.desc();
        if (convolution.bias() != null) {
            long all = tilesDown * line;
            biasLayout = OneDnnPlace.dense(1, 1, length);
            weights.vector(node.output(), Vector.BIAS, Constant.of(new long[] {all}, this::repeatedBias), all);
            arguments.add(Argument.of(
                    dnnl.DNNL_ARG_BIAS, weights.vectorPart(node.output(), Vector.BIAS, from * line, 1, 1, length)));
        }
        LongProduct product = LongProduct.of(
                OneDnnPlace.dense(1, side, terms), products.layout(), biasLayout, results.layout(), attributes);
        return Call.of(product.primitive, product.descriptor, arguments.toArray(Argument[]::new));
    }

    /** Writes the bias of every channel for each tile of an image. */
    private void repeatedBias(FloatBuffer target) {
        float[] bias = Objects.requireNonNull(convolution.bias()).values();
        for (long i = 0; i < tilesDown * tilesAcross; i++) {
            target.put(bias);
        }
    }

    private static post_ops postOps(PostOp postOp) {
        post_ops operations = new post_ops();
        postOp.append().accept(operations);
        return operations;
    }

    /** Adds the calls that write some rows of tiles, each with so many rows of results. */
    private void write(List<Call> calls, long first, long image, long down, long countDown, long resultRows) {
        long whole = width / side;
        write(calls, first, image, down, 0, countDown, resultRows, whole, side);
        write(calls, first, image, down, whole, countDown, resultRows, 1, width % side);
    }

    /** Adds the call that writes the tiles from one on, all of which have the same part of them in the image. */
    private void write(List<Call> calls, long first, long image, long down, long across, long... shapeWithoutChannels) {
        long[] shape = Arrays.copyOf(shapeWithoutChannels, 5);
        shape[4] = outputs;
        if (Arrays.stream(shape).anyMatch(size -> size <= 0)) {
            return;
        }
        long line = width * outputs;
        OneDnnPlace tile = new OneDnnPlace(
                resultTiles,
                OneDnnPlace.strided(shape, tilesAcross * outputs, side * resultPlane, outputs, resultPlane, 1),
                ((image * tilesDown + down) * tilesAcross + across) * outputs);
        calls.add(tile.copyTo(new OneDnnPlace(
                result,
                OneDnnPlace.strided(shape, side * line, line, side * outputs, outputs, 1),
                ((first + image) * height + side * down) * line + side * across * outputs)));
    }

    /** Returns the calls that add the addend and apply the pointwise operation, where these are still to be done. */
    private List<Call> finish(int addend, int sum, long from, long to) {
        List<Call> calls = new ArrayList<>();
        long rowsOfPart = Math.min(height, side * to) - side * from;
        memory.desc layout = OneDnnPlace.pixels(allImages, outputs, rowsOfPart, width); // of several, all rows
        Slab slab = new Slab(layout, Float.BYTES * side * from * width * outputs);
        if (adds()) {
            primitive_attr attributes = OneDnn.attributes();
            if (postOp != null && !hasSlopes()) {
                attributes.set_post_ops(postOps(postOp));
            }
            binary.primitive_desc descriptor = new binary.primitive_desc(
                    OneDnn.engine(), algorithm.binary_add, layout, layout, layout, attributes, false);
            calls.add(Call.of(
                    new binary(descriptor),
                    descriptor,
                    Argument.of(dnnl.DNNL_ARG_SRC_0, addend, slab),
                    Argument.of(dnnl.DNNL_ARG_SRC_1, result, slab),
                    Argument.of(dnnl.DNNL_ARG_DST, sum, slab)));
        }
        if (hasSlopes()) {
            calls.add(pointwise.call(Objects.requireNonNull(node.then()), adds() ? sum : result, node.output(), slab));
        }
        return calls;
    }
}
