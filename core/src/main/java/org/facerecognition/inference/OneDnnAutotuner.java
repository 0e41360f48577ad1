package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * Which of oneDNN's ways to do a convolution is the fastest here. The first that it offers is not always: on images of 4x4, with
 * AVX-512, it took half as long again as the second. What was found for one number of images is kept for others, so
 * that an image's values are the same among any number.
 */
final class OneDnnAutotuner {
    private static final int TRIES = 3; // the first is slow: memory and code are cold
    private static final double WORTH_IT = 1.3; // times as fast as the first offer: another layout costs too

    private final Map<String, String> fastest = new HashMap<>();

    /**
     * The fastest way.
     *
     * @param layer what is the same for layers that are alike, whatever the number of images
     * @param offers describes the convolution: what oneDNN offers for it
     * @param simpler the same without that which needs arguments that not every convolution has; this is tried
     */
    convolution_forward.primitive_desc best(
            String layer,
            Supplier<convolution_forward.primitive_desc> offers,
            Supplier<convolution_forward.primitive_desc> simpler) {
        String name = fastest.computeIfAbsent(layer, unknown -> tried(simpler));
        convolution_forward.primitive_desc how = offers.get();
        do {
            if (name(how).equals(name)) {
                return how;
            }
        } while (how.next_impl());
        return offers.get();
    }

    private static String tried(Supplier<convolution_forward.primitive_desc> offers) {
        try (PointerScope scope = new PointerScope()) {
            convolution_forward.primitive_desc how = offers.get();
            String best = name(how);
            if (instructions(best).isEmpty()) { // written for no processor in particular: nothing else is there
                return best;
            }
            double least = seconds(how) / WORTH_IT;
            String first = best;
            while (how.next_impl() && instructions(name(how)).equals(instructions(first))) {
                double seconds = seconds(how);
                if (seconds < least) {
                    least = seconds;
                    best = name(how);
                }
            }
            return best;
        }
    }

    static String name(convolution_forward.primitive_desc how) {
        return how.impl_info_str().getString();
    }

    /** What follows the colon: jit:avx512_core is written for avx512_core. */
    private static String instructions(String name) {
        return name.startsWith("ref") ? "" : name.substring(name.indexOf(':') + 1);
    }

    /** The least of some, on zeros. */
    private static double seconds(convolution_forward.primitive_desc how) {
        try (PointerScope scope = new PointerScope()) {
            List<memory> held = new ArrayList<>();
            int[] kinds = {
                dnnl.DNNL_ARG_SRC,
                dnnl.DNNL_ARG_WEIGHTS,
                dnnl.DNNL_ARG_BIAS,
                dnnl.DNNL_ARG_DST,
                dnnl.DNNL_ARG_SCRATCHPAD
            };
            for (memory.desc layout : List.of(
                    how.src_desc(), how.weights_desc(), how.bias_desc(), how.dst_desc(), how.scratchpad_desc())) {
                memory one = new memory(layout, OneDnn.engine());
                if (layout.get_size() > 0) {
                    Pointer.memset(one.get_data_handle(), 0, layout.get_size());
                }
                held.add(one);
            }
            dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(kinds.length);
            for (int i = 0; i < kinds.length; i++) {
                arguments.getPointer(i).arg(kinds[i]).memory(held.get(i).get());
            }
            convolution_forward work = new convolution_forward(how);
            stream stream = new stream(OneDnn.engine());
            double least = Double.POSITIVE_INFINITY;
            for (int i = 0; i < TRIES; i++) {
                long start = System.nanoTime();
                int status = dnnl.dnnl_primitive_execute(work.get(), stream.get(), kinds.length, arguments);
                if (status != dnnl.dnnl_success) {
                    return Double.POSITIVE_INFINITY;
                }
                least = Math.min(least, (System.nanoTime() - start) / 1e9);
            }
            return least;
        }
    }
}
