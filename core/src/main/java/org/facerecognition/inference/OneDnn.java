package org.facerecognition.inference;

import java.util.List;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.cpu_isa;
import org.bytedeco.dnnl.global.dnnl.scratchpad_mode;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.primitive_desc;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Window;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.natives.OneDnnInstructions;
import org.jspecify.annotations.Nullable;

/** Loads oneDNN and creates the objects that all of its users need: engine, memory layouts and attributes. */
final class OneDnn {
    private static final boolean LOADED = load();

    private OneDnn() {}

    private static boolean load() {
        try {
            NativeLibraries.load(dnnl.class, "oneDNN");
            if (!OneDnnInstructions.areGiven()) {
                // Libtorch sets the variable for a moment on some machines, to limit libtorch's own oneDNN to AVX. This
                // one could read it too, although it is newer and does not have the fault.
                dnnl.dnnl_set_max_cpu_isa(dnnl.dnnl_cpu_isa_default);
            }
            return true;
        } catch (LinkageError | IllegalStateException e) {
            return false; // the class path has no natives for this platform
        }
    }

    /** Returns whether oneDNN is on the class path and the processor has the instructions for a type of values. */
    static boolean available(ScalarType type) {
        return LOADED
                && switch (type) {
                    case Float -> true;
                    case BFloat16 -> supports(cpu_isa.avx512_core_bf16);
                    default -> false;
                };
    }

    /** Returns whether oneDNN is on the class path and has code for this processor that others are not faster than. */
    static boolean isFast() {
        return LOADED && supports(cpu_isa.avx2);
    }

    /** Returns whether the processor has the dot product of bytes (VNNI), which adds in 32 bits. */
    static boolean multipliesBytes() {
        return supports(cpu_isa.avx512_core_vnni) || supports(cpu_isa.avx2_vnni);
    }

    /** Instruction sets are bit sets: each contains the bits of the sets that it builds on. */
    private static boolean supports(cpu_isa instructions) {
        return (dnnl.dnnl_get_effective_cpu_isa() & instructions.value) == instructions.value;
    }

    /** Returns what decides which kernels there are: the version, and the instruction sets of this processor. */
    static String kernels() {
        dnnl_version_t version = dnnl.dnnl_version();
        return version.major() + "." + version.minor() + "." + version.patch() + "-"
                + Integer.toHexString(dnnl.dnnl_get_effective_cpu_isa());
    }

    /**
     * Checks what oneDNN returns.
     *
     * @throws IllegalStateException unless it is success
     */
    static void requireSuccess(int status) {
        if (status != dnnl.dnnl_success) {
            throw new IllegalStateException(
                    switch (status) {
                        case dnnl.dnnl_out_of_memory -> "there is too little memory: oneDNN is out of memory";
                        case dnnl.dnnl_invalid_arguments -> "oneDNN failed: its arguments are invalid";
                        case dnnl.dnnl_unimplemented -> "oneDNN failed: it does not implement this";
                        case dnnl.dnnl_runtime_error -> "oneDNN failed when it ran";
                        default -> "oneDNN failed with status " + status;
                    });
        }
    }

    private static final class EngineHolder {
        static final engine ENGINE = new engine(engine.kind.cpu, 0).retainReference(); // outlives the current scope
    }

    /** Returns the CPU engine, borrowed. */
    static engine engine() {
        return EngineHolder.ENGINE;
    }

    static data_type type(ScalarType type) {
        return switch (type) {
            case Float -> data_type.f32;
            case BFloat16 -> data_type.bf16;
            default ->
                throw new IllegalArgumentException(
                        "type of values must be Float or BFloat16 for oneDNN, but was " + type);
        };
    }

    /** Returns a descriptor that lets the primitive choose the layout; scoped. */
    static memory.desc anyLayout(data_type type, long... shape) {
        return new memory.desc(shape, type, format_tag.any);
    }

    /** Returns oneDNN's dilations: the numbers of pixels that are skipped. */
    static long[] dilations(Window window) {
        return new long[] {window.dilationY() - 1, window.dilationX() - 1};
    }

    /** Returns the descriptor of a dense row-major layout, as in C; scoped. */
    static memory.desc rowMajor(data_type type, long... shape) {
        return new memory.desc(
                shape,
                type,
                switch (shape.length) {
                    case 1 -> format_tag.a;
                    case 2 -> format_tag.ab;
                    case 3 -> format_tag.abc;
                    case 4 -> format_tag.abcd;
                    case 5 -> format_tag.abcde;
                    default ->
                        throw new IllegalArgumentException(
                                "number of dimensions must be 1 to 5, but was " + shape.length);
                });
    }

    /**
     * Returns oneDNN's first implementation whose name begins in a way, or else its first one; scoped.
     *
     * @param describes the operation, without a choice
     */
    static <D extends primitive_desc> D preferring(String name, Supplier<D> describes) {
        D descriptor = describes.get();
        do {
            if (descriptor.impl_info_str().getString().startsWith(name)) {
                return descriptor;
            }
        } while (descriptor.next_impl());
        return describes.get();
    }

    /** Returns the sizes of a layout's dimensions. */
    static long[] shape(memory.desc layout) {
        return values(layout.get_dims()).stream().mapToLong(Long::longValue).toArray();
    }

    /** Returns how many entries of the first dimension a layout keeps together in a block; 1 if it has no blocks. */
    static long block(memory.desc layout) {
        long block = 1;
        for (int i = 0; i < layout.get_inner_nblks(); i++) {
            if (layout.get_inner_idxs().get(i) == 0) {
                block *= layout.get_inner_blks().get(i);
            }
        }
        return block;
    }

    /**
     * Returns where entries of the first dimension begin in a layout, in bytes, or -1 if they do not lie there in
     * another layout.
     *
     * @param whole the layout of all entries
     * @param from the first entry of the part
     * @param shape of the part
     * @param layout of the part
     */
    static long offsetOfPart(memory.desc whole, long from, long[] shape, memory.desc layout) {
        data_type type = whole.get_data_type().intern();
        if (type != layout.get_data_type().intern()) {
            return -1;
        }
        long[] start = new long[shape.length];
        start[0] = from;
        memory.desc part;
        try {
            part = whole.submemory_desc(shape, start);
        } catch (RuntimeException e) {
            return -1; // it would cut a block
        }
        boolean same = values(part.get_dims()).equals(values(layout.get_dims()))
                && values(part.get_padded_dims()).equals(values(layout.get_padded_dims()))
                && values(part.get_strides()).equals(values(layout.get_strides()))
                && values(part.get_inner_blks()).equals(values(layout.get_inner_blks()))
                && values(part.get_inner_idxs()).equals(values(layout.get_inner_idxs()));
        return same ? part.get_submemory_offset() * bytes(type) : -1;
    }

    private static List<Long> values(@Nullable LongPointer numbers) {
        return numbers == null // of a layout without blocks
                ? List.of()
                : LongStream.range(0, numbers.limit()).mapToObj(numbers::get).toList();
    }

    /** Returns the size of a value of a type. */
    static int bytes(data_type type) {
        return switch (type) {
            case f32 -> Float.BYTES;
            case bf16 -> Short.BYTES;
            case s8, u8 -> Byte.BYTES;
            default -> throw new IllegalArgumentException("no values are of type " + type);
        };
    }

    /** Returns a pointer to a place behind the start of some memory; borrowed like that. */
    static Pointer at(Pointer start, long bytes) {
        return new Pointer(start) {
            {
                address += bytes;
            }
        };
    }

    /**
     * Returns attributes that make the caller provide the scratchpad, scoped. Each workspace has its own, so that
     * threads can execute the same primitive concurrently.
     */
    static primitive_attr attributes() {
        primitive_attr attributes = new primitive_attr();
        attributes.set_scratchpad_mode(scratchpad_mode.user);
        return attributes;
    }
}
