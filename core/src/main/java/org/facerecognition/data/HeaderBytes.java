package org.facerecognition.data;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads numbers and text in the header of a file. Reading beyond the end is not an error: it gives -1 or no text. */
record HeaderBytes(byte[] bytes) {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    int length() {
        return bytes.length;
    }

    /** Returns one byte, 0 to 255; -1 beyond the end. */
    int at(long index) {
        return index < 0 || index >= bytes.length ? -1 : bytes[(int) index] & 0xff;
    }

    /** Returns an unsigned big-endian number of up to 7 bytes; -1 when it extends beyond the end. */
    long big(long at, int count) {
        return number(at, count, false);
    }

    /** Returns an unsigned little-endian number of up to 7 bytes; -1 when it extends beyond the end. */
    long little(long at, int count) {
        return number(at, count, true);
    }

    long number(long at, int count, boolean little) {
        if (at < 0 || at > bytes.length - count) {
            return -1;
        }
        long value = 0;
        for (int i = 0; i < count; i++) {
            value = value << 8 | at(little ? at + count - 1 - i : at + i);
        }
        return value;
    }

    boolean starts(int at, int... magic) {
        for (int i = 0; i < magic.length; i++) {
            if (at((long) at + i) != magic[i]) {
                return false;
            }
        }
        return true;
    }

    boolean ascii(int at, String text) {
        return text(at, text.length()).equals(text);
    }

    /** Returns up to {@code count} characters of Latin-1. */
    String text(int at, int count) {
        int from = Math.min(at, bytes.length);
        return new String(bytes, from, Math.min(count, bytes.length - from), StandardCharsets.ISO_8859_1);
    }

    /** Returns where the next byte 0xff is, from an index on; the number of bytes if there is none. */
    static int next255(byte[] bytes, int from) {
        int i = from;
        while (i + Long.BYTES <= bytes.length) {
            long inverted = ~(long) LONGS.get(bytes, i);
            if ((inverted - 0x0101010101010101L & ~inverted & 0x8080808080808080L) != 0) { // one of the bytes is zero
                break;
            }
            i += Long.BYTES;
        }
        while (i < bytes.length && bytes[i] != (byte) 0xff) {
            i++;
        }
        return i;
    }
}
