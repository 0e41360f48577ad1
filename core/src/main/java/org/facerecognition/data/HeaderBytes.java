package org.facerecognition.data;

import java.nio.charset.StandardCharsets;

/** Numbers and texts in the header of a file. Bytes beyond the end are no error: they read as -1, or as no text. */
record HeaderBytes(byte[] bytes) {
    int length() {
        return bytes.length;
    }

    /** One byte, 0 to 255; -1 beyond the end. */
    int at(long index) {
        return index < 0 || index >= bytes.length ? -1 : bytes[(int) index] & 0xff;
    }

    /** An unsigned number of up to 7 bytes, big endian; -1 where it reaches beyond the end. */
    long big(long at, int count) {
        return number(at, count, false);
    }

    /** An unsigned number of up to 7 bytes, little endian; -1 where it reaches beyond the end. */
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

    /** Up to so many characters of Latin-1. */
    String text(int at, int count) {
        int from = Math.min(at, bytes.length);
        return new String(bytes, from, Math.min(count, bytes.length - from), StandardCharsets.ISO_8859_1);
    }
}
