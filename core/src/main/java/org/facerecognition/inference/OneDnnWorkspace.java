package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnPlan.Step;
import org.facerecognition.inference.OneDnnSlabs.Slab;

/**
 * The memory in which a plan is executed for one call at a time. It owns all buffers, those of the images and the
 * embeddings too, and allocates them when it is created, so that an execution allocates nothing.
 */
final class OneDnnWorkspace implements AutoCloseable {
    /** A call whose arguments point into this workspace. */
    record BoundCall(dnnl_primitive primitive, int argumentCount, dnnl_exec_arg_t arguments, dnnl_stream stream) {
        /** @throws IllegalStateException when the primitive fails */
        void run() {
            OneDnn.requireSuccess(dnnl.dnnl_primitive_execute(primitive, stream, argumentCount, arguments));
        }
    }

    /** The calls of one part of a step. */
    record BoundPart(List<BoundCall> calls) {
        /** @throws IllegalStateException when a primitive fails */
        void run() {
            for (BoundCall call : calls) {
                call.run();
            }
        }
    }

    private final PointerScope owner = new PointerScope();
    private final OneDnnPlan plan;
    private final List<List<List<BoundPart>>> layers = new ArrayList<>(); // by layer, step and part
    private final TeamCall.Parts parts;
    private final memory[] values;
    private final Pointer[] buffers;
    private final FloatPointer images; // [count, 3, S, S]
    private final FloatPointer embeddings; // [count, D]
    private final float[] image; // [3, S, S]

    /** @param plan borrowed; must stay open as long as the workspace */
    OneDnnWorkspace(OneDnnPlan plan) {
        this.plan = plan;
        this.values = new memory[plan.values()];
        try (owner) {
            long[] sizes = plan.bufferBytes();
            this.buffers = new Pointer[sizes.length];
            for (int i = 0; i < sizes.length; i++) {
                buffers[i] = allocate(sizes[i]);
            }
            long imageLength = Shapes.size(plan.shape(0)) / plan.count();
            this.image = new float[Math.toIntExact(imageLength)];
            this.images = new FloatPointer(plan.count() * imageLength);
            this.embeddings = new FloatPointer(Shapes.size(plan.shape(plan.output())));
            Pointer[] scratchpads = new Pointer[plan.parts()]; // by part
            dnnl_stream[] streams = new dnnl_stream[plan.parts()];
            for (int i = 0; i < scratchpads.length; i++) {
                scratchpads[i] = allocate(Math.max(1, plan.scratchpadBytes()));
                streams[i] = new stream(OneDnn.engine()).get();
            }
            for (List<Step> steps : plan.layers()) {
                List<List<BoundPart>> layer = new ArrayList<>();
                for (Step step : steps) {
                    List<BoundPart> parts = new ArrayList<>();
                    for (int i = 0; i < step.parts().size(); i++) {
                        List<BoundCall> calls = new ArrayList<>();
                        for (Call call : step.parts().get(i)) {
                            calls.add(bind(call, scratchpads[i], streams[i]));
                        }
                        parts.add(new BoundPart(calls));
                    }
                    layer.add(parts);
                }
                layers.add(layer);
            }
            this.parts =
                    new TeamCall.Parts(layers.stream().flatMap(List::stream).toList());
            owner.extend(); // survives the end of this block; close() frees it
        }
    }

    private static Pointer allocate(long bytes) {
        return new memory(OneDnn.rowMajor(data_type.u8, bytes), OneDnn.engine()).get_data_handle();
    }

    private BoundCall bind(Call call, Pointer scratchpad, dnnl_stream stream) {
        int count = call.arguments().size() + 1;
        dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(count);
        for (int i = 0; i < count - 1; i++) {
            Argument argument = call.arguments().get(i);
            memory operand = argument.constant() == null ? operand(argument) : argument.constant();
            arguments.getPointer(i).arg(argument.kind()).memory(operand.get());
        }
        memory scratch = new memory(call.scratchpad(), OneDnn.engine(), scratchpad);
        arguments.getPointer(count - 1).arg(dnnl.DNNL_ARG_SCRATCHPAD).memory(scratch.get());
        return new BoundCall(call.primitive().get(), count, arguments, stream);
    }

    private memory operand(Argument argument) {
        int number = argument.value();
        Slab slab = argument.slab();
        if (slab != null) {
            return new memory(slab.layout(), OneDnn.engine(), OneDnn.at(address(number), slab.offset()));
        }
        if (values[number] == null) {
            values[number] = new memory(plan.layout(number), OneDnn.engine(), address(number));
        }
        return values[number];
    }

    private Pointer address(int value) {
        int buffer = plan.buffer(value);
        return switch (buffer) {
            case OneDnnPlan.IMAGES -> images;
            case OneDnnPlan.EMBEDDINGS -> embeddings;
            default -> buffers[buffer];
        };
    }

    /**
     * Embeds as many images as the plan is for, on this thread.
     *
     * @param input the images
     * @param from the index of the first of them
     * @param rows receives the embeddings, each in the place of its image
     * @param seconds the time that this thread runs for each layer is added to it; empty to measure nothing
     * @throws IllegalStateException when a primitive fails
     */
    void run(InputImages input, int from, float[][] rows, double[] seconds) {
        read(input, from);
        for (int i = 0; i < layers.size(); i++) {
            long start = seconds.length > i ? RunningTime.nanos() : 0;
            for (List<BoundPart> parts : layers.get(i)) {
                for (BoundPart part : parts) {
                    part.run();
                }
            }
            if (seconds.length > i) {
                seconds[i] += (RunningTime.nanos() - start) / 1e9;
            }
        }
        write(rows, from);
    }

    /** Receives the values of a graph, one after another. */
    interface Observer {
        /** @param number of the value; {@code values} are borrowed */
        void see(int number, float[] values);
    }

    /**
     * Runs the network on this thread and shows an observer some of its values.
     *
     * @param nodes that the plan was made for
     * @param wanted the numbers of the values to show
     * @throws IllegalStateException when a primitive fails
     */
    void observe(List<FusedNode> nodes, InputImages input, int from, Set<Integer> wanted, Observer observer) {
        read(input, from);
        for (int i = 0; i < nodes.size(); i++) {
            layers.get(i).forEach(parts -> parts.forEach(BoundPart::run));
            int number = nodes.get(i).output();
            if (wanted.contains(number)) {
                observer.see(number, rowMajor(number));
            }
        }
    }

    /** Returns a copy of a value's floating-point numbers in row-major order, until a later layer overwrites it. */
    private float[] rowMajor(int number) {
        long[] shape = plan.shape(number);
        float[] copy = new float[Math.toIntExact(Shapes.size(shape))];
        try (PointerScope scope = new PointerScope()) {
            memory value = new memory(plan.layout(number), OneDnn.engine(), address(number));
            memory plain = new memory(OneDnn.rowMajor(data_type.f32, shape), OneDnn.engine());
            stream stream = new stream(OneDnn.engine());
            new reorder(value, plain).execute(stream, value, plain);
            stream._wait();
            new FloatPointer(plain.get_data_handle()).get(copy);
        }
        return copy;
    }

    /** Reads the images that the plan is for. */
    void read(InputImages input, int from) {
        for (int i = 0; i < plan.count(); i++) {
            input.read(from + i, image);
            images.position((long) i * image.length).put(image);
        }
        images.position(0);
    }

    /** Returns an execution that several threads share, after {@link #read} and before {@link #write}. */
    TeamCall teamCall() {
        return new TeamCall(parts);
    }

    /** Writes the embeddings, each to the place of its image. */
    void write(float[][] rows, int from) {
        int size = (int) (embeddings.capacity() / plan.count());
        for (int i = 0; i < plan.count(); i++) {
            float[] row = new float[size];
            embeddings.position((long) i * size).get(row);
            rows[from + i] = row;
        }
        embeddings.position(0);
    }

    @Override
    public void close() {
        owner.close();
    }
}
