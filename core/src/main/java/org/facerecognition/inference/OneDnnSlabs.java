package org.facerecognition.inference;

import java.util.List;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.facerecognition.graph.Window;

/**
 * The parts of one image's value. Some of the channels where channels are stored in blocks, and some of the rows where
 * each pixel's channels are stored together, are a dense block of its memory. Some of the channels of every pixel,
 * where these are stored together, are not: what reads or writes only dense blocks needs a copy of them.
 */
final class OneDnnSlabs {
    /** The dimension that is cut: blocks of channels, rows, or the channels of every pixel. */
    enum Axis {
        CHANNELS,
        ROWS,
        CHANNELS_OF_PIXELS
    }

    /**
     * A part of a value.
     *
     * @param layout of the part alone
     * @param offset of its first byte in the value
     */
    record Slab(memory.desc layout, long offset) {}

    /**
     * The rows of an input from which some rows of a result are computed.
     *
     * @param from the first
     * @param to behind the last
     * @param padding rows of zeros above and below
     */
    record InputRows(long from, long to, long[] padding) {
        /**
         * @param kernel its rows
         * @param begin the first row of the result
         * @param end behind the last one
         * @param height of the input
         */
        static InputRows of(Window window, long kernel, long begin, long end, long height) {
            long first = begin * window.strideY() - window.top();
            long last = (end - 1) * window.strideY() - window.top() + window.spanY(kernel);
            long[] padding = {Math.max(0, -first), Math.max(0, last - height)};
            return new InputRows(Math.max(0, first), Math.min(height, last), padding);
        }
    }

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

    /** Returns the other way to cut a value whose rows can be cut: into channels of every pixel. */
    OneDnnSlabs intoChannels() {
        return new OneDnnSlabs(shape, type, tag, Axis.CHANNELS_OF_PIXELS, block);
    }

    Axis axis() {
        return axis;
    }

    /** Returns the layout of a dense copy of a part. */
    memory.desc dense(long from, long to) {
        return new memory.desc(part(from, to), type, tag);
    }

    /** Returns whether another value is cut in the same way. */
    boolean matches(OneDnnSlabs other) {
        return axis == other.axis && block == other.block;
    }

    /** Returns whether the value can be cut into a number of parts. */
    boolean hasParts(int parts) {
        return switch (axis) {
            case CHANNELS -> shape[1] % ((long) parts * block) == 0;
            case ROWS -> shape[2] >= parts;
            case CHANNELS_OF_PIXELS -> shape[1] >= parts;
        };
    }

    /**
     * Returns where a part begins: the number of a channel or row. With {@code part == parts} it is their number.
     *
     * @param together how many channels or rows must not be separated
     */
    long start(int part, int parts, long together) {
        long size = shape[axis == Axis.ROWS ? 2 : 1];
        long groups = (size + together - 1) / together;
        return Math.min(size, groups * part / parts * together);
    }

    /** Returns the part that begins at one channel or row and ends before another. */
    Slab between(long from, long to) {
        int bytes = OneDnn.bytes(type);
        if (axis == Axis.CHANNELS_OF_PIXELS) {
            long[] strides = {Shapes.size(shape), 1, shape[3] * shape[1], shape[1]};
            return new Slab(new memory.desc(part(from, to), type, strides), bytes * from);
        }
        long stride = axis == Axis.ROWS ? shape[3] * shape[1] : shape[2] * shape[3];
        return new Slab(dense(from, to), bytes * from * stride);
    }

    private long[] part(long from, long to) {
        long[] part = shape.clone();
        part[axis == Axis.ROWS ? 2 : 1] = to - from;
        return part;
    }
}
