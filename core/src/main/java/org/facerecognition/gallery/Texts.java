package org.facerecognition.gallery;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import org.jspecify.annotations.Nullable;

/**
 * Names and notes as they are kept: any Unicode, in the composed form (NFC), so that a name typed and the same name read from
 * a Mac's folder are one.
 */
final class Texts {
    static final int MOST_NAME_BYTES = 1024;
    static final int MOST_NOTE_BYTES = 4096;
    static final int MOST_FINGERPRINT_BYTES = 1024;

    private Texts() {}

    static String name(String name) {
        return checked(name, "identity", MOST_NAME_BYTES);
    }

    static @Nullable String note(@Nullable String note) {
        return note == null ? null : checked(note, "note", MOST_NOTE_BYTES);
    }

    static String fingerprint(String fingerprint) {
        return checked(fingerprint, "fingerprint", MOST_FINGERPRINT_BYTES);
    }

    private static String checked(String text, String what, int mostBytes) {
        String composed = Normalizer.normalize(text, Normalizer.Form.NFC);
        int bytes;
        try {
            bytes = StandardCharsets.UTF_8
                    .newEncoder()
                    .encode(CharBuffer.wrap(composed))
                    .remaining();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(what + " must be Unicode text, but has half a surrogate pair", e);
        }
        if (bytes == 0 || bytes > mostBytes) {
            throw new IllegalArgumentException(
                    what + " must have 1 to " + mostBytes + " bytes in UTF-8, but has " + bytes);
        }
        return composed;
    }

    static byte[] encode(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String decode(ByteBuffer from, int length) {
        byte[] bytes = new byte[length];
        from.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
