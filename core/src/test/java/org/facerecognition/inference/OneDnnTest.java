package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.inference.OneDnnSlabs.Slab;
import org.facerecognition.natives.NativeErrors;
import org.junit.jupiter.api.Test;

class OneDnnTest {
    private static final int[] KERNEL = {4, 3, 3}; // input channels, height, width

    private static memory.desc weights(long channels, data_type type, format_tag tag) {
        return new memory.desc(new long[] {channels, KERNEL[0], KERNEL[1], KERNEL[2]}, type, tag);
    }

    private static long offset(memory.desc whole, long from, long channels, format_tag tag) {
        long[] shape = {channels, KERNEL[0], KERNEL[1], KERNEL[2]};
        return OneDnn.offsetOfPart(
                whole, from, shape, new memory.desc(shape, whole.get_data_type().intern(), tag));
    }

    @Test
    void saysInWordsWhatOneDnnReturns() {
        OneDnn.requireSuccess(dnnl.dnnl_success);
        assertThatThrownBy(() -> OneDnn.requireSuccess(dnnl.dnnl_out_of_memory))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("there is too little memory: oneDNN is out of memory")
                .matches(e -> NativeErrors.isOfMemory((RuntimeException) e));
        assertThatThrownBy(() -> OneDnn.requireSuccess(dnnl.dnnl_invalid_arguments))
                .hasMessage("oneDNN failed: its arguments are invalid");
    }

    @Test
    void partsOfWeightsLieWhereTheirBlocksBegin() {
        try (PointerScope scope = new PointerScope()) {
            memory.desc whole = weights(64, data_type.f32, format_tag.Acdb24a); // two blocks, and a third with padding
            int each = KERNEL[0] * KERNEL[1] * KERNEL[2];
            assertThat(OneDnn.block(whole)).isEqualTo(24);
            assertThat(offset(whole, 0, 24, format_tag.Acdb24a)).isZero();
            assertThat(offset(whole, 24, 40, format_tag.Acdb24a)).isEqualTo(24L * each * Float.BYTES);
            memory.desc half = weights(64, data_type.bf16, format_tag.Acdb24a);
            assertThat(offset(half, 48, 16, format_tag.Acdb24a)).isEqualTo(48L * each * Short.BYTES);
            memory.desc plain = weights(64, data_type.f32, format_tag.abcd);
            assertThat(OneDnn.block(plain)).isEqualTo(1);
            assertThat(offset(plain, 5, 7, format_tag.abcd)).isEqualTo(5L * each * Float.BYTES);
        }
    }

    @Test
    void partsInAnotherLayoutAreNotThere() {
        try (PointerScope scope = new PointerScope()) {
            memory.desc whole = weights(64, data_type.f32, format_tag.Acdb24a);
            assertThat(offset(whole, 32, 32, format_tag.Acdb24a)).isEqualTo(-1); // within a block
            assertThat(offset(whole, 24, 24, format_tag.Acdb16a)).isEqualTo(-1);
            assertThat(offset(whole, 24, 24, format_tag.abcd)).isEqualTo(-1);
        }
    }

    /** Some channels of a value whose pixels are dense are copied out of it. */
    @Test
    void channelsOfPixelsAreCopied() {
        try (PointerScope scope = new PointerScope()) {
            long[] shape = {1, 6, 2, 2};
            memory.desc pixels = new memory.desc(shape, data_type.f32, format_tag.acdb);
            OneDnnSlabs slabs =
                    OneDnnSlabs.of(pixels, shape, data_type.f32).get(0).intoChannels();
            assertThat(slabs.hasParts(6)).isTrue();
            assertThat(slabs.hasParts(7)).isFalse();
            assertThat(new long[] {slabs.start(0, 2, 4), slabs.start(1, 2, 4), slabs.start(2, 2, 4)})
                    .containsExactly(0, 4, 6); // at blocks of four
            memory whole = new memory(pixels, OneDnn.engine());
            FloatPointer values = new FloatPointer(whole.get_data_handle()).capacity(24);
            for (int i = 0; i < 24; i++) {
                values.put(i, i); // pixel 0 has 0 to 5, pixel 1 has 6 to 11
            }
            Slab slab = slabs.between(4, 6);
            memory part = new memory(slab.layout(), OneDnn.engine(), OneDnn.at(whole.get_data_handle(), slab.offset()));
            memory dense = new memory(slabs.dense(4, 6), OneDnn.engine());
            stream stream = new stream(OneDnn.engine());
            new reorder(part, dense).execute(stream, part, dense);
            stream._wait();
            float[] copied = new float[8];
            new FloatPointer(dense.get_data_handle()).capacity(8).get(copied);
            assertThat(copied).containsExactly(4, 5, 10, 11, 16, 17, 22, 23);
        }
    }
}
