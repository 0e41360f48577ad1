package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.pooling_forward;
import org.facerecognition.graph.Window;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnPlan.Step;
import org.facerecognition.inference.OneDnnSlabs.Axis;
import org.facerecognition.inference.OneDnnSlabs.InputRows;
import org.facerecognition.inference.OneDnnSlabs.Slab;

/** The calls of one pooling: one, or several for the parts of a large image that is alone. */
final class OneDnnPooling {
    private static final long MIN_VALUES_IN_PARTS = 50_000; // of the input; fewer take less time than sharing

    private final OneDnnPlan plan;
    private final int input;
    private final int output;
    private final long[] from; // [B, C, H, W] of the input
    private final long[] to; // [B, C, H, W] of the result
    private final algorithm algorithm;
    private final long[] kernel; // rows and columns
    private final Window window;

    OneDnnPooling(OneDnnPlan plan, FusedNode node, algorithm algorithm, long[] kernel, Window window) {
        this.plan = plan;
        this.input = plan.input(node, 0);
        this.output = node.output();
        this.from = plan.shape(node.inputs().get(0));
        this.to = plan.shape(output);
        this.algorithm = algorithm;
        this.kernel = kernel;
        this.window = window;
    }

    /** Adds the calls to the plan. */
    void add() {
        long[] padding = {window.top(), window.bottom()};
        var whole = describe(plan.layout(input), OneDnn.anyLayout(plan.type(), to), padding);
        plan.define(output, whole.dst_desc());
        List<List<Call>> parts = parts();
        if (parts.isEmpty()) {
            Argument source = Argument.of(dnnl.DNNL_ARG_SRC, input);
            parts = List.of(List.of(call(whole, source, Argument.of(dnnl.DNNL_ARG_DST, output))));
        }
        plan.add(new Step(parts));
    }

    /** Returns the parts that several threads can compute at the same time; none if that is not possible. */
    private List<List<Call>> parts() {
        int count = plan.parts();
        List<OneDnnSlabs> inputs = OneDnnSlabs.of(plan.layout(input), from, plan.type());
        List<OneDnnSlabs> results = OneDnnSlabs.of(plan.layout(output), to, plan.type());
        boolean possible = count > 1
                && Shapes.size(from) >= MIN_VALUES_IN_PARTS
                && !inputs.isEmpty()
                && !results.isEmpty()
                && results.get(0).matches(inputs.get(0))
                && results.get(0).hasParts(count);
        List<List<Call>> parts = new ArrayList<>();
        for (int i = 0; i < count && possible; i++) {
            parts.add(List.of(part(inputs.get(0), results.get(0), i, count)));
        }
        return parts;
    }

    private Call part(OneDnnSlabs inputs, OneDnnSlabs results, int number, int count) {
        long begin = results.start(number, count, 1);
        long end = results.start(number + 1, count, 1);
        long[] padding = {window.top(), window.bottom()};
        Slab source;
        if (results.axis() == Axis.ROWS) {
            InputRows read = InputRows.of(window, kernel[0], begin, end, from[2]);
            padding = read.padding();
            source = inputs.between(read.from(), read.to());
        } else {
            source = inputs.between(begin, end);
        }
        Slab result = results.between(begin, end);
        return call(
                describe(source.layout(), result.layout(), padding),
                Argument.of(dnnl.DNNL_ARG_SRC, input, source),
                Argument.of(dnnl.DNNL_ARG_DST, output, result));
    }

    /** Describes the pooling, or that of a part, to oneDNN; {@code padding} is above and below. */
    private pooling_forward.primitive_desc describe(memory.desc source, memory.desc result, long[] padding) {
        return new pooling_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference,
                algorithm,
                source,
                result,
                window.strides(),
                kernel,
                OneDnn.dilations(window),
                new long[] {padding[0], window.begins()[1]},
                new long[] {padding[1], window.ends()[1]},
                OneDnn.attributes(),
                false);
    }

    private static Call call(pooling_forward.primitive_desc descriptor, Argument source, Argument result) {
        return Call.of(new pooling_forward(descriptor), descriptor, source, result);
    }
}
