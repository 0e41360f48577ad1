package org.facerecognition.inference;

import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.cpu_isa;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.Libtorch;

/** oneDNN: whether it is there, and what all that use it need. */
final class OneDnn {
    private static final boolean THERE = load();

    private OneDnn() {}

    private static boolean load() {
        try {
            Loader.load(dnnl.class);
            if (Libtorch.keptToAvx()) { // by what this one, newer and without that mistake, reads as well
                dnnl.dnnl_set_max_cpu_isa(dnnl.dnnl_cpu_isa_default);
            }
            return true;
        } catch (LinkageError e) {
            return false; // no natives for this platform on the class path
        }
    }

    /** Whether it is on the class path, and the processor has what it needs for values of a type. */
    static boolean available(ScalarType type) {
        return THERE
                && switch (type) {
                    case Float -> true;
                    case BFloat16 -> has(cpu_isa.avx512_core_bf16);
                    default -> false;
                };
    }

    /** Sets of instructions are bits, those that another builds on among its own. */
    private static boolean has(cpu_isa instructions) {
        return (dnnl.dnnl_get_effective_cpu_isa() & instructions.value) == instructions.value;
    }

    private static final class Processor {
        static final engine ENGINE = new engine(engine.kind.cpu, 0).retainReference(); // whatever scope is around
    }

    static engine engine() {
        return Processor.ENGINE;
    }

    static data_type type(ScalarType type) {
        return switch (type) {
            case Float -> data_type.f32;
            case BFloat16 -> data_type.bf16;
            default -> throw new IllegalArgumentException("no values of type " + type);
        };
    }

    /** Whatever layout suits. */
    static memory.desc any(data_type type, long... shape) {
        return new memory.desc(shape, type, format_tag.any);
    }

    /** One row after the other, as in C. */
    static memory.desc plain(data_type type, long... shape) {
        return new memory.desc(
                shape,
                type,
                switch (shape.length) {
                    case 1 -> format_tag.a;
                    case 2 -> format_tag.ab;
                    case 4 -> format_tag.abcd;
                    case 5 -> format_tag.abcde;
                    default -> throw new IllegalArgumentException("no tensors of " + shape.length + " dimensions");
                });
    }
}
