package org.facerecognition.examples.web;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Reads the parameters in the address of a request: percent-encoded UTF-8, whatever the body is. Javalin would decode
 * them with the charset in the body's Content-Type.
 */
final class QueryString {
    private QueryString() {}

    /**
     * Returns the value of a parameter; null if there is none of this name, the first if there are several.
     *
     * @param query the part of the address after the question mark; null if there is none
     * @throws ApiException when a name before it or the value is not percent-encoded UTF-8
     */
    static @Nullable String parameter(@Nullable String query, String name) {
        if (query == null) {
            return null;
        }
        for (String part : query.split("&")) {
            int equals = part.indexOf('=');
            if (decoded(equals < 0 ? part : part.substring(0, equals)).equals(name)) {
                return equals < 0 ? "" : decoded(part.substring(equals + 1));
            }
        }
        return null;
    }

    private static String decoded(String text) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
        try {
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                if (c == '%') {
                    bytes.write(HexFormat.fromHexDigits(text, i + 1, i + 3));
                    i += 2;
                } else if (c < 0x80) {
                    bytes.write(c == '+' ? ' ' : c);
                } else {
                    throw notEncoded();
                }
            }
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (CharacterCodingException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw notEncoded();
        }
    }

    private static ApiException notEncoded() {
        return new ApiException(
                400,
                "the parameters in the address must be percent-encoded UTF-8, such as name=Andr%C3%A9, but are not");
    }
}
