package org.facerecognition.data;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an encoded image's header says of its size, before anything is allocated for it.
 *
 * @param width in pixels
 * @param height in pixels
 */
record ImageSize(long width, long height) {
    private static final int LONGEST_TEXT_HEADER = 200;
    private static final Pattern NETPBM = Pattern.compile(
            "P[1-6](?:\\s|#[^\\n]*\\n)+(\\d{1,10})(?:\\s|#[^\\n]*\\n)+(\\d{1,10})\\s.*", Pattern.DOTALL);

    long pixels() {
        return width * height;
    }

    /** Of a JPEG, PNG, BMP, WebP, GIF or PGM/PPM; empty where the header is another's or damaged. */
    static Optional<ImageSize> of(byte[] bytes) {
        if (starts(bytes, 0, 0xff, 0xd8)) {
            return ofJpeg(bytes);
        }
        if (starts(bytes, 0, 0x89, 'P', 'N', 'G') && bytes.length >= 24) {
            return Optional.of(new ImageSize(big(bytes, 16, 4), big(bytes, 20, 4)));
        }
        if (starts(bytes, 0, 'B', 'M') && bytes.length >= 26) {
            return Optional.of(new ImageSize((int) little(bytes, 18, 4), Math.abs((int) little(bytes, 22, 4))));
        }
        if (starts(bytes, 0, 'R', 'I', 'F', 'F') && starts(bytes, 8, 'W', 'E', 'B', 'P') && bytes.length >= 30) {
            return ofWebp(bytes);
        }
        if (starts(bytes, 0, 'G', 'I', 'F', '8') && bytes.length >= 10) {
            return Optional.of(new ImageSize(little(bytes, 6, 2), little(bytes, 8, 2)));
        }
        if (starts(bytes, 0, 'P')) {
            Matcher header = NETPBM.matcher(
                    new String(bytes, 0, Math.min(bytes.length, LONGEST_TEXT_HEADER), StandardCharsets.ISO_8859_1));
            if (header.matches()) {
                return Optional.of(new ImageSize(Long.parseLong(header.group(1)), Long.parseLong(header.group(2))));
            }
        }
        return Optional.empty();
    }

    /** From segment to segment, to the first frame header. */
    private static Optional<ImageSize> ofJpeg(byte[] bytes) {
        int i = 2;
        while (i + 8 < bytes.length) {
            if ((bytes[i] & 0xff) != 0xff) {
                return Optional.empty();
            }
            int marker = bytes[i + 1] & 0xff;
            boolean frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
            if (frame) {
                return Optional.of(new ImageSize(big(bytes, i + 7, 2), big(bytes, i + 5, 2)));
            }
            i += marker == 0xff ? 1 : 2 + (int) big(bytes, i + 2, 2);
        }
        return Optional.empty();
    }

    private static Optional<ImageSize> ofWebp(byte[] bytes) {
        if (starts(bytes, 12, 'V', 'P', '8', 'X')) {
            return Optional.of(new ImageSize(1 + little(bytes, 24, 3), 1 + little(bytes, 27, 3)));
        }
        if (starts(bytes, 12, 'V', 'P', '8', 'L')) {
            long bits = little(bytes, 21, 4);
            return Optional.of(new ImageSize(1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)));
        }
        if (starts(bytes, 12, 'V', 'P', '8', ' ')) {
            return Optional.of(new ImageSize(little(bytes, 26, 2) & 0x3fff, little(bytes, 28, 2) & 0x3fff));
        }
        return Optional.empty();
    }

    private static boolean starts(byte[] bytes, int at, int... magic) {
        if (bytes.length < at + magic.length) {
            return false;
        }
        for (int i = 0; i < magic.length; i++) {
            if ((bytes[at + i] & 0xff) != magic[i]) {
                return false;
            }
        }
        return true;
    }

    private static long big(byte[] bytes, int at, int count) {
        long value = 0;
        for (int i = 0; i < count; i++) {
            value = value << 8 | bytes[at + i] & 0xff;
        }
        return value;
    }

    private static long little(byte[] bytes, int at, int count) {
        long value = 0;
        for (int i = count - 1; i >= 0; i--) {
            value = value << 8 | bytes[at + i] & 0xff;
        }
        return value;
    }
}
