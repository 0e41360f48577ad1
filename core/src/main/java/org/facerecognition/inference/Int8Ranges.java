package org.facerecognition.inference;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.facerecognition.io.JsonFields;

/**
 * The ranges that a network's values have on real images, by which they become 8-bit integers: what {@link
 * Int8Calibration} measures.
 *
 * @param network a digest of the layers that they belong to
 * @param values the range of each value that a convolution takes, by the value's number
 */
public record Int8Ranges(String network, Map<Integer, Range> values) {
    private static final int DIGEST_CHARACTERS = 16;

    /**
     * The range of one value.
     *
     * @param limit the largest magnitude that an integer stands for; larger ones are cut off. More than 0
     * @param signed whether the value can be negative
     */
    public record Range(float limit, boolean signed) {
        /** @throws IllegalArgumentException when the limit is not finite or not more than 0 */
        public Range {
            if (!(limit > 0) || Float.isInfinite(limit)) {
                throw new IllegalArgumentException("limit must be finite and more than 0, but was " + limit);
            }
        }

        /** Returns the difference between two adjacent integers: the limit is 127 of them, or 255 without a sign. */
        float scale() {
            return limit / (signed ? Byte.MAX_VALUE : 0xff);
        }
    }

    public Int8Ranges {
        Objects.requireNonNull(network, "network");
        values = Map.copyOf(values);
    }

    /** Returns the ranges in a model's metadata. */
    static Int8Ranges of(JsonFields settings) {
        Map<Integer, Range> values = new HashMap<>();
        settings.object("values")
                .objects()
                .forEach((value, range) -> values.put(
                        Integer.valueOf(value), new Range(range.floatNumber("limit"), range.flag("signed"))));
        return new Int8Ranges(settings.requiredText("network"), values);
    }

    /** Returns whether these are the ranges of a network. */
    boolean fit(List<FusedNode> nodes) {
        return network.equals(digest(nodes));
    }

    /**
     * Returns a digest of a network's layers: of what they do, and of which values. It is in models' files, so it must
     * stay the same in all versions, and with it {@link LayerCost.Kind#name}.
     */
    static String digest(List<FusedNode> nodes) {
        StringBuilder text = new StringBuilder();
        for (FusedNode node : nodes) {
            text.append(LayerCost.Kind.of(node).name())
                    .append(node.inputs())
                    .append(node.addend())
                    .append(node.output())
                    .append('\n');
        }
        return digest(text.toString());
    }

    private static String digest(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash).substring(0, DIGEST_CHARACTERS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    /**
     * Returns a digest of the network and all ranges: embeddings with equal digests can be compared. It is of the bits
     * of the limits, since different versions of Java write floats differently.
     */
    public String digest() {
        StringBuilder text = new StringBuilder(network);
        new TreeMap<>(values)
                .forEach((value, range) -> text.append(' ')
                        .append(value)
                        .append(range.signed() ? 's' : 'u')
                        .append(Integer.toHexString(Float.floatToIntBits(range.limit()))));
        return digest(text.toString());
    }
}
