package org.facerecognition.benchmarks;

import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.inference.PreparedNet;

/** Measures the peak speed of matrix products on this processor: oneDNN's matmul on all threads, in the best layout. */
final class MatmulPeak {
    private static final long[] SIDES = {1024, 2048};
    private static final int REPETITIONS = 8;

    static {
        PreparedNet.isFast(ScalarType.Float); // loads oneDNN as prepared networks do
    }

    private MatmulPeak() {}

    /** Returns the peak in 1e9 operations per second, or 0 if oneDNN has no matmul for the type. */
    static double gigaflops(data_type type) {
        double best = 0;
        for (long side : SIDES) {
            best = Math.max(best, gigaflops(type, side));
        }
        return best;
    }

    private static double gigaflops(data_type type, long side) {
        try (PointerScope scope = new PointerScope()) {
            engine cpu = new engine(engine.kind.cpu, 0);
            memory.desc any = new memory.desc(new long[] {side, side}, type, format_tag.any);
            matmul.primitive_desc primitive;
            try {
                primitive = new matmul.primitive_desc(cpu, any, any, any, new primitive_attr(), false);
            } catch (RuntimeException e) {
                return 0;
            }
            memory[] matrices = {
                new memory(primitive.src_desc(), cpu),
                new memory(primitive.weights_desc(), cpu),
                new memory(primitive.dst_desc(), cpu)
            };
            int[] kinds = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST};
            dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(kinds.length);
            for (int i = 0; i < kinds.length; i++) {
                Pointer.memset(
                        matrices[i].get_data_handle(), 0, matrices[i].get_desc().get_size());
                arguments.getPointer(i).arg(kinds[i]).memory(matrices[i].get());
            }
            matmul product = new matmul(primitive);
            stream cpuStream = new stream(cpu);
            double best = 0;
            for (int i = 0; i < REPETITIONS; i++) {
                long start = System.nanoTime();
                dnnl.dnnl_primitive_execute(product.get(), cpuStream.get(), kinds.length, arguments);
                best = Math.max(best, 2.0 * side * side * side / (System.nanoTime() - start));
            }
            return best;
        }
    }
}
