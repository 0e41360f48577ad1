package org.facerecognition.data;

import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Parses the header of a TIFF file of either byte order, with offsets of 4 bytes or (BigTIFF) 8 bytes: its first
 * directory, which describes the image that is decoded. A file is rejected when a tag occurs twice or has a type that
 * is not allowed for sizes.
 */
final class TiffHeader {
    private static final int MAX_ENTRIES = 4096;
    private static final int NEW_SUBFILE_TYPE = 254; // whose bit 0 says that an image is reduced
    private static final int WIDTH = 256;
    private static final int LENGTH = 257;
    private static final int BITS_PER_SAMPLE = 258;
    private static final int ORIENTATION = 274;
    private static final int SAMPLES_PER_PIXEL = 277;
    private static final int ROWS_PER_STRIP = 278;
    private static final int TILE_WIDTH = 322;
    private static final int TILE_LENGTH = 323;
    private static final int SUB_IFDS = 330;
    private static final int DNG_VERSION = 50706;
    private static final int BYTE = 1;
    private static final int SHORT = 3;
    private static final int LONG = 4;
    private static final int LONG8 = 16;

    private final HeaderBytes bytes;
    private final boolean little;
    private final boolean big; // BigTIFF
    private long entries; // offset of the first
    private long count;

    private TiffHeader(HeaderBytes bytes, boolean little, boolean big) {
        this.bytes = bytes;
        this.little = little;
        this.big = big;
    }

    static Optional<ImageHeader> read(HeaderBytes bytes) {
        return directory(bytes).flatMap(TiffHeader::read);
    }

    /** Finds the first directory; empty for other files and where it does not fit into the file. */
    private static Optional<TiffHeader> directory(HeaderBytes bytes) {
        boolean little = bytes.ascii(0, "II");
        long version = little || bytes.ascii(0, "MM") ? bytes.number(2, 2, little) : 0;
        boolean big = version == 43 && bytes.number(4, 4, little) == (little ? 8 : 8L << 16);
        return Optional.of(new TiffHeader(bytes, little, big))
                .filter(header -> (version == 42 || big) && header.findsEntries());
    }

    /** Returns whether a file is a camera's raw image, of which the first directory is a small preview. */
    static boolean isRawWithPreview(HeaderBytes bytes) {
        return directory(bytes)
                .filter(header -> header.find(DNG_VERSION) != 0
                        || header.find(SUB_IFDS) != 0 && (Math.max(0, header.value(NEW_SUBFILE_TYPE, 0)) & 1) == 1)
                .isPresent();
    }

    /** Returns whether an image is not stored upright, or its first directory does not say. */
    static boolean isTurned(HeaderBytes bytes) {
        return directory(bytes).map(header -> header.value(ORIENTATION, 1)).orElse(0L) != 1;
    }

    /**
     * An orientation that the decoder applies to each tile instead of the image.
     *
     * @param value 2, 3, 6 or 7, as in EXIF
     * @param at the place of its lower byte in the file
     */
    record TileOrientation(int value, int at) {}

    /** Returns the orientation of a file whose tiles the decoder would mix up; empty for others. */
    static Optional<TileOrientation> tileOrientation(HeaderBytes bytes) {
        return directory(bytes).filter(header -> header.find(TILE_WIDTH) > 0).flatMap(TiffHeader::orientationOfTiles);
    }

    private Optional<TileOrientation> orientationOfTiles() {
        int value = (int) value(ORIENTATION, 1);
        long at = find(ORIENTATION) + (big ? 12 : 8) + (little ? 0 : 1);
        return value == 2 || value == 3 || value == 6 || value == 7
                ? Optional.of(new TileOrientation(value, Math.toIntExact(at)))
                : Optional.empty();
    }

    private boolean findsEntries() {
        long directory = big ? offset(8) : bytes.number(4, 4, little);
        entries = directory + (big ? 8 : 2);
        count = big ? offset(directory) : bytes.number(directory, 2, little);
        return directory >= 8 && count >= 1 && count <= MAX_ENTRIES && entries + count * entryBytes() <= bytes.length();
    }

    private Optional<ImageHeader> read() {
        long width = value(WIDTH, -1);
        long height = value(LENGTH, -1);
        long tileWidth = value(TILE_WIDTH, width);
        long rows = Math.min(value(ROWS_PER_STRIP, height), height);
        long tileHeight = value(TILE_LENGTH, rows);
        long samples = value(SAMPLES_PER_PIXEL, 1);
        long bits = first(BITS_PER_SAMPLE);
        if (LongStream.of(width, height, tileWidth, tileHeight, samples, bits).anyMatch(value -> value < 1)) {
            return Optional.empty();
        }
        long pixelBits = ImageSize.product(samples, bits);
        long pixelBytes = Math.max(4, pixelBits / 8); // the decoder uses RGBA where it can
        long buffer = ImageSize.product(ImageSize.product(tileWidth, tileHeight), pixelBytes);
        return Optional.of(new ImageHeader(new ImageSize(width, height), 0, buffer, 1));
    }

    private int entryBytes() {
        return big ? 20 : 12;
    }

    /** Reads an offset of 8 bytes; -1 when it is too large for a file in memory. */
    private long offset(long at) {
        long low = bytes.number(little ? at : at + 4, 4, little);
        long high = bytes.number(little ? at + 4 : at, 4, little);
        return high == 0 ? low : -1;
    }

    /** Returns the number of a tag; {@code absent} when the tag is absent, -1 when it is invalid. */
    private long value(int tag, long absent) {
        long at = find(tag);
        if (at == 0) {
            return absent;
        }
        boolean single = (big ? offset(at + 4) : bytes.number(at + 4, 4, little)) == 1;
        return at > 0 && single ? number((int) bytes.number(at + 2, 2, little), at + (big ? 12 : 8)) : -1;
    }

    private long number(int type, long at) {
        return switch (type) {
            case BYTE -> bytes.at(at);
            case SHORT -> bytes.number(at, 2, little);
            case LONG -> bytes.number(at, 4, little);
            case LONG8 -> big ? offset(at) : -1;
            default -> -1;
        };
    }

    /** Returns the bits of the first sample, which the others must equal; 1 when the tag is absent, -1 when invalid. */
    private long first(int tag) {
        long at = find(tag);
        if (at <= 0) {
            return at == 0 ? 1 : -1;
        }
        long values = big ? offset(at + 4) : bytes.number(at + 4, 4, little);
        long field = at + (big ? 12 : 8);
        boolean inline = 2 * values <= (big ? 8 : 4);
        long first = inline ? field : big ? offset(field) : bytes.number(field, 4, little);
        return bytes.number(at + 2, 2, little) == SHORT && values > 0 ? bytes.number(first, 2, little) : -1;
    }

    /** Returns the offset of a tag's entry; 0 when there is none, -1 when there are two. */
    private long find(int tag) {
        long found = 0;
        for (long at = entries; at < entries + count * entryBytes(); at += entryBytes()) {
            if (bytes.number(at, 2, little) == tag) {
                found = found == 0 ? at : -1;
            }
        }
        return found;
    }
}
