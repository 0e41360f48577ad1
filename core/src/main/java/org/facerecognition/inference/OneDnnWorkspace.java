package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;

/** Memory in which a plan is carried out, all of it taken beforehand; by one thread at a time. */
final class OneDnnWorkspace implements AutoCloseable {
    /** A call with its arguments in place. */
    private record Ready(dnnl_primitive primitive, int arguments, dnnl_exec_arg_t values) {}

    private final PointerScope keeper = new PointerScope();
    private final OneDnnPlan plan;
    private final List<List<Ready>> layers = new ArrayList<>();
    private final memory[] values;
    private final stream stream;
    private final dnnl_stream handle;

    OneDnnWorkspace(OneDnnPlan plan) {
        this.plan = plan;
        this.values = new memory[plan.values()];
        try (keeper) {
            long[] sizes = plan.pieces();
            Pointer[] pieces = new Pointer[sizes.length];
            for (int i = 0; i < sizes.length; i++) {
                pieces[i] = bytes(sizes[i]).get_data_handle();
            }
            Pointer scratchPiece = bytes(Math.max(1, plan.scratchBytes())).get_data_handle();
            this.stream = new stream(OneDnn.engine());
            this.handle = stream.get();
            for (List<Call> calls : plan.layers()) {
                layers.add(calls.stream()
                        .map(call -> ready(call, pieces, scratchPiece))
                        .toList());
            }
            keeper.extend();
        }
    }

    private static memory bytes(long size) {
        return new memory(OneDnn.plain(data_type.u8, size), OneDnn.engine());
    }

    private Ready ready(Call call, Pointer[] pieces, Pointer scratch) {
        int count = call.arguments().size() + 1;
        dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(count);
        for (int i = 0; i < count - 1; i++) {
            Argument argument = call.arguments().get(i);
            memory of = argument.constant() == null ? value(argument.value(), pieces) : argument.constant();
            arguments.getPointer(i).arg(argument.kind()).memory(of.get());
        }
        memory besides = new memory(call.scratch(), OneDnn.engine(), scratch);
        arguments.getPointer(count - 1).arg(dnnl.DNNL_ARG_SCRATCHPAD).memory(besides.get());
        return new Ready(call.primitive().get(), count, arguments);
    }

    private memory value(int number, Pointer[] pieces) {
        if (values[number] == null) {
            int place = plan.place(number);
            values[number] = place == OneDnnPlan.OUTSIDE
                    ? new memory(plan.layout(number), OneDnn.engine(), (Pointer) null)
                    : new memory(plan.layout(number), OneDnn.engine(), pieces[place]);
        }
        return values[number];
    }

    /**
     * Carries the plan out.
     *
     * @param images [count, 3, S, S], float32, one row after the other
     * @param embeddings where they go: [count, D], float32
     * @param seconds for each layer, what it took is added to it; empty for those who do not care
     */
    void run(Pointer images, Pointer embeddings, double[] seconds) {
        values[0].set_data_handle(images);
        values[plan.result()].set_data_handle(embeddings);
        for (int i = 0; i < layers.size(); i++) {
            long start = seconds.length > i ? System.nanoTime() : 0;
            for (Ready call : layers.get(i)) {
                int status = dnnl.dnnl_primitive_execute(call.primitive, handle, call.arguments, call.values);
                if (status != dnnl.dnnl_success) {
                    throw new IllegalStateException(
                            "oneDNN must do layer " + i + ", but refused with status " + status);
                }
            }
            if (seconds.length > i) {
                seconds[i] += (System.nanoTime() - start) / 1e9;
            }
        }
        stream._wait();
    }

    @Override
    public void close() {
        keeper.close();
    }
}
