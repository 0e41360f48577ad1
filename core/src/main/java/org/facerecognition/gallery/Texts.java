package org.facerecognition.gallery;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Normalizes and checks notes and other texts before they are stored: any Unicode, in composed form (NFC).
 * {@link Names} does so for names.
 */
final class Texts {
    static final int MAX_NAME_BYTES = 1024;
    static final int MAX_NOTE_BYTES = 4096;
    static final int MAX_FINGERPRINT_BYTES = 1024;
    static final int MAX_MODE_BYTES = 1024;
    static final int MAX_CONTENT_KEY_BYTES = 256;

    private Texts() {}

    /** Checks a note; returns null for null or an empty note. */
    static @Nullable String note(@Nullable String note) {
        return note == null || note.isEmpty() ? null : checked(note, "note", MAX_NOTE_BYTES);
    }

    /** Checks a content key; returns null for null or an empty key. */
    static @Nullable String contentKey(@Nullable String key) {
        return key == null || key.isEmpty() ? null : checked(key, "content key", MAX_CONTENT_KEY_BYTES);
    }

    /** Returns content keys or notes to look for in the form in which they are stored. */
    static List<String> composed(Collection<String> texts) {
        return texts.stream()
                .map(text -> Normalizer.normalize(text, Normalizer.Form.NFC))
                .toList();
    }

    static String fingerprint(String fingerprint) {
        return checked(fingerprint, "fingerprint", MAX_FINGERPRINT_BYTES);
    }

    static String embeddingMode(String mode) {
        return checked(mode, "embedding mode", MAX_MODE_BYTES);
    }

    /** @param what names the text in messages */
    static String checked(String text, String what, int maxBytes) {
        String composed = Normalizer.normalize(text, Normalizer.Form.NFC);
        int bytes;
        try {
            bytes = StandardCharsets.UTF_8
                    .newEncoder()
                    .encode(CharBuffer.wrap(composed))
                    .remaining();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(what + " must be Unicode text, but has an unpaired surrogate", e);
        }
        if (bytes == 0 || bytes > maxBytes) {
            throw new IllegalArgumentException(
                    what + " must have 1 to " + maxBytes + " bytes in UTF-8, but has " + bytes);
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
