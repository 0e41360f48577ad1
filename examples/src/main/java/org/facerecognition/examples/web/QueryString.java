package org.facerecognition.examples.web;

import java.util.ArrayList;
import java.util.List;
import org.eclipse.jetty.util.UrlEncoded;
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
     * @throws ApiException when the parameters are not percent-encoded UTF-8
     */
    static @Nullable String parameter(@Nullable String query, String name) {
        if (query == null) {
            return null;
        }
        if (!query.chars().allMatch(c -> c < 0x80)) {
            throw notEncoded();
        }
        List<String> values = new ArrayList<>();
        try {
            UrlEncoded.decodeUtf8To(
                    query,
                    0,
                    query.length(),
                    (key, value) -> {
                        if (key.equals(name)) {
                            values.add(value);
                        }
                    },
                    false,
                    false,
                    false);
        } catch (IllegalArgumentException e) { // it allows no wrong numbers, no other encodings, and no ends of them
            throw notEncoded();
        }
        return values.isEmpty() ? null : values.get(0);
    }

    private static ApiException notEncoded() {
        return new ApiException(
                400,
                "the parameters in the address must be percent-encoded UTF-8, such as name=Andr%C3%A9, but are not");
    }
}
