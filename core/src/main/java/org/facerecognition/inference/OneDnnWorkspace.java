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

/**
 * The memory in which one thread at a time executes a plan. It owns all buffers and allocates them when it is created,
 * so that an execution allocates nothing.
 */
final class OneDnnWorkspace implements AutoCloseable {
    /** A call whose arguments point into this workspace. */
    private record BoundCall(dnnl_primitive primitive, int argumentCount, dnnl_exec_arg_t arguments) {}

    private final PointerScope owner = new PointerScope();
    private final OneDnnPlan plan;
    private final List<List<BoundCall>> layers = new ArrayList<>();
    private final memory[] values;
    private final stream stream;
    private final dnnl_stream handle;

    /** @param plan borrowed; must stay open as long as the workspace */
    OneDnnWorkspace(OneDnnPlan plan) {
        this.plan = plan;
        this.values = new memory[plan.values()];
        try (owner) {
            long[] sizes = plan.bufferBytes();
            Pointer[] buffers = new Pointer[sizes.length];
            for (int i = 0; i < sizes.length; i++) {
                buffers[i] = allocate(sizes[i]).get_data_handle();
            }
            Pointer scratchpad = allocate(Math.max(1, plan.scratchpadBytes())).get_data_handle();
            this.stream = new stream(OneDnn.engine());
            this.handle = stream.get();
            for (List<Call> calls : plan.layers()) {
                layers.add(calls.stream()
                        .map(call -> bind(call, buffers, scratchpad))
                        .toList());
            }
            owner.extend(); // survives the end of this block; close() frees it
        }
    }

    private static memory allocate(long bytes) {
        return new memory(OneDnn.rowMajor(data_type.u8, bytes), OneDnn.engine());
    }

    private BoundCall bind(Call call, Pointer[] buffers, Pointer scratchpad) {
        int count = call.arguments().size() + 1;
        dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(count);
        for (int i = 0; i < count - 1; i++) {
            Argument argument = call.arguments().get(i);
            memory operand = argument.constant() == null ? value(argument.value(), buffers) : argument.constant();
            arguments.getPointer(i).arg(argument.kind()).memory(operand.get());
        }
        memory scratch = new memory(call.scratchpad(), OneDnn.engine(), scratchpad);
        arguments.getPointer(count - 1).arg(dnnl.DNNL_ARG_SCRATCHPAD).memory(scratch.get());
        return new BoundCall(call.primitive().get(), count, arguments);
    }

    private memory value(int number, Pointer[] buffers) {
        if (values[number] == null) {
            int buffer = plan.buffer(number);
            values[number] = buffer == OneDnnPlan.EXTERNAL
                    ? new memory(plan.layout(number), OneDnn.engine(), (Pointer) null)
                    : new memory(plan.layout(number), OneDnn.engine(), buffers[buffer]);
        }
        return values[number];
    }

    /**
     * Executes the plan.
     *
     * @param images [count, 3, S, S], float32, row-major; borrowed
     * @param embeddings receives [count, D], float32; borrowed
     * @param seconds the time of each layer is added to it; empty to measure nothing
     * @throws IllegalStateException when a primitive fails
     */
    void run(Pointer images, Pointer embeddings, double[] seconds) {
        values[0].set_data_handle(images);
        values[plan.result()].set_data_handle(embeddings);
        for (int i = 0; i < layers.size(); i++) {
            long start = seconds.length > i ? System.nanoTime() : 0;
            for (BoundCall call : layers.get(i)) {
                int status = dnnl.dnnl_primitive_execute(call.primitive, handle, call.argumentCount, call.arguments);
                if (status != dnnl.dnnl_success) {
                    throw new IllegalStateException("oneDNN failed in layer " + i + " with status " + status);
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
        owner.close();
    }
}
