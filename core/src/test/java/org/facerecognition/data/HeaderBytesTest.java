package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class HeaderBytesTest {
    @Test
    void findsTheNextByte255WhereverItIs() {
        Random random = new Random(1);
        for (int length = 0; length < 40; length++) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            for (int i = 0; i < length; i++) {
                bytes[i] = random.nextInt(12) == 0 ? (byte) 255 : bytes[i];
            }
            for (int from = 0; from <= length; from++) {
                int expected = from;
                while (expected < length && bytes[expected] != (byte) 255) {
                    expected++;
                }
                assertThat(HeaderBytes.next255(bytes, from)).isEqualTo(expected);
            }
        }
    }

    @Test
    void bytesThatOnlyResemble255AreNotFound() {
        byte[] bytes = new byte[4 * 256];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Math.min(254, i % 256);
        }
        assertThat(HeaderBytes.next255(bytes, 0)).isEqualTo(bytes.length);
    }
}
