package org.facerecognition.data;

/**
 * Checks that an encoded image is complete before it is decoded. OpenCV's JPEG and PNG decoders silently fill missing
 * parts with gray, and a model would learn the gray.
 */
final class EncodedImage {
    private static final int MARKER = 0xff;
    private static final int END_OF_IMAGE = 0xd9;

    enum Damage {
        NONE(""),
        EMPTY("is empty"),
        TRUNCATED("is truncated: its end is missing");

        private final String sentence;

        Damage(String sentence) {
            this.sentence = sentence;
        }

        String sentence() {
            return sentence;
        }
    }

    private EncodedImage() {}

    static Damage damageOf(byte[] bytes) {
        if (bytes.length == 0) {
            return Damage.EMPTY;
        }
        if (startsWith(bytes, MARKER, 0xd8)) {
            return endsJpeg(bytes) ? Damage.NONE : Damage.TRUNCATED;
        }
        if (startsWith(bytes, 0x89, 'P', 'N', 'G')) {
            return endsPng(bytes) ? Damage.NONE : Damage.TRUNCATED;
        }
        return Damage.NONE; // left to the decoder
    }

    private static boolean startsWith(byte[] bytes, int... magic) {
        if (bytes.length < magic.length) {
            return false;
        }
        for (int i = 0; i < magic.length; i++) {
            if (at(bytes, i) != magic[i]) {
                return false;
            }
        }
        return true;
    }

    /**
     * Returns whether a JPEG has its end marker. Walks from segment to segment (the end marker of a thumbnail lies
     * inside one and is skipped) and through the compressed scans, where 0xff is followed by 0 or a restart marker.
     */
    private static boolean endsJpeg(byte[] bytes) {
        int i = 2;
        while (i + 1 < bytes.length) {
            i = HeaderBytes.next255(bytes, i);
            if (i + 1 >= bytes.length) {
                return false;
            }
            int marker = at(bytes, i + 1);
            if (marker == END_OF_IMAGE) {
                return true;
            }
            boolean standsAlone = marker == 0 || marker == 1 || marker == MARKER || (marker >= 0xd0 && marker <= 0xd8);
            if (standsAlone) {
                i += marker == MARKER ? 1 : 2;
            } else if (i + 3 < bytes.length) {
                int segment = 2 + (at(bytes, i + 2) << 8 | at(bytes, i + 3)); // that of a scan is its header
                if (segment > bytes.length - i) {
                    return false;
                }
                i += segment;
            } else {
                return false;
            }
        }
        return false;
    }

    private static boolean endsPng(byte[] bytes) {
        int i = 8;
        while (i + 12L <= bytes.length) {
            long length = (long) at(bytes, i) << 24 | at(bytes, i + 1) << 16 | at(bytes, i + 2) << 8 | at(bytes, i + 3);
            if (bytes[i + 4] == 'I' && bytes[i + 5] == 'E' && bytes[i + 6] == 'N' && bytes[i + 7] == 'D') {
                return true;
            }
            if (length > bytes.length - i - 12L) {
                return false;
            }
            i += 12 + (int) length;
        }
        return false;
    }

    private static int at(byte[] bytes, int i) {
        return bytes[i] & 0xff;
    }
}
