package org.facerecognition.inference;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnSlabs.Slab;

/**
 * Some of the float32 numbers of a value.
 *
 * @param value its number
 * @param layout of the numbers
 * @param from how many numbers precede the first
 */
record OneDnnPlace(int value, memory.desc layout, long from) {

    /** Returns a row-major layout, scoped. */
    static memory.desc dense(long... shape) {
        return OneDnn.rowMajor(data_type.f32, shape);
    }

    /** Returns a layout with steps between the entries of each dimension, scoped. It must not overlap itself. */
    static memory.desc strided(long[] shape, long... strides) {
        return new memory.desc(shape, data_type.f32, strides);
    }

    /** Returns the layout of images, [B, C, H, W], with the channels of a pixel together, scoped. */
    static memory.desc pixels(long... shape) {
        return new memory.desc(shape, data_type.f32, format_tag.acdb);
    }

    /** Returns this place as an argument of a call. */
    Argument as(int kind) {
        return Argument.of(kind, value, new Slab(layout, Float.BYTES * from));
    }

    /** Returns the call that copies these numbers to another place of the same shape. */
    Call copyTo(OneDnnPlace other) {
        return OneDnnPlan.reorder(layout, as(dnnl.DNNL_ARG_FROM), other.layout, other.as(dnnl.DNNL_ARG_TO));
    }
}
