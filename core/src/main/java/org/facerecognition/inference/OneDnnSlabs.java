package org.facerecognition.inference;

import java.util.List;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;

/**
 * The parts of one image's value, each of which is a dense block of its memory: some of the channels where channels are
 * stored in blocks, some of the rows where each pixel's channels are stored together.
 */
final class OneDnnSlabs {
    /** The dimension that is cut: of channels, or of rows. */
    enum Axis {
        CHANNELS,
        ROWS
    }

    /**
     * A part of a value.
     *
     * @param layout of the part alone
     * @param offset of its first byte in the value
     */
    record Slab(memory.desc layout, long offset) {}

    private final long[] shape; // [1, C, H, W]
    private final data_type type;
    private final format_tag tag;
    private final Axis axis;
    private final int block; // channels

    private OneDnnSlabs(long[] shape, data_type type, format_tag tag, Axis axis, int block) {
        this.shape = shape;
        this.type = type;
        this.tag = tag;
        this.axis = axis;
        this.block = block;
    }

    /** Returns how a value in a layout is cut, as a list of none or one way. */
    static List<OneDnnSlabs> of(memory.desc layout, long[] shape, data_type type) {
        if (shape.length != 4 || shape[0] != 1) {
            return List.of();
        }
        for (OneDnnSlabs way : List.of(
                new OneDnnSlabs(shape, type, format_tag.aBcd8b, Axis.CHANNELS, 8),
                new OneDnnSlabs(shape, type, format_tag.aBcd16b, Axis.CHANNELS, 16),
                new OneDnnSlabs(shape, type, format_tag.acdb, Axis.ROWS, 1))) {
            if (layout.equals(new memory.desc(shape, type, way.tag))) {
                return List.of(way);
            }
        }
        return List.of();
    }

    Axis axis() {
        return axis;
    }

    /** Returns whether another value is cut in the same way. */
    boolean matches(OneDnnSlabs other) {
        return axis == other.axis && block == other.block;
    }

    /** Returns whether the value can be cut into a number of parts. */
    boolean hasParts(int parts) {
        return axis == Axis.ROWS ? shape[2] >= parts : shape[1] % ((long) parts * block) == 0;
    }

    /** Returns where a part begins: the number of a channel or row. With {@code part == parts} it is their number. */
    long start(int part, int parts) {
        return shape[axis == Axis.ROWS ? 2 : 1] * part / parts;
    }

    /** Returns the part that begins at one channel or row and ends before another. */
    Slab between(long from, long to) {
        int bytes = switch (type) {
            case f32 -> Float.BYTES;
            case bf16 -> Short.BYTES;
            case s8, u8 -> Byte.BYTES;
            default -> throw new IllegalArgumentException("no values are of type " + type);
        };
        long[] part = shape.clone();
        part[axis == Axis.ROWS ? 2 : 1] = to - from;
        long stride = axis == Axis.ROWS ? shape[3] * shape[1] : shape[2] * shape[3];
        return new Slab(new memory.desc(part, type, tag), bytes * from * stride);
    }
}
