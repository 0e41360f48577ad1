package org.facerecognition.data;

import java.util.Optional;
import java.util.function.Function;

/**
 * The header of an encoded image, read before any memory is allocated for its pixels.
 *
 * <p>Each format is parsed as OpenCV's decoder parses it, so that both find the same size. A file that could be
 * interpreted in two ways is rejected here and not decoded.
 *
 * @param size before the EXIF orientation is applied
 * @param minBytes minimum length of a file with so many pixels; 0 when compression is not bounded
 * @param bufferBytes memory that the decoder needs in addition to the image, when that is much
 * @param passes how often the decoder goes over all pixels
 */
record ImageHeader(ImageSize size, long minBytes, long bufferBytes, int passes) {
    /** The maximum compression ratio of Deflate. */
    private static final int DEFLATE_RATIO = 1032;

    /** Parses files in other formats. */
    private static final Function<HeaderBytes, Optional<ImageHeader>> NONE = bytes -> Optional.empty();

    private static final int ANIMATED = 2; // flags of WebP's extended header
    private static final int TRANSPARENT = 16;

    /** Returns the header of an image that is decoded in one pass; empty when a side is not positive. */
    static Optional<ImageHeader> of(long width, long height, long minBytes) {
        return width > 0 && height > 0
                ? Optional.of(new ImageHeader(new ImageSize(width, height), minBytes, 0, 1))
                : Optional.empty();
    }

    /** Parses a file's header; empty when the format is not supported or the header is damaged. */
    static Optional<ImageHeader> of(byte[] file) {
        HeaderBytes bytes = new HeaderBytes(file);
        return parser(bytes).apply(bytes);
    }

    /** Returns whether a file begins like one in a supported format. */
    static boolean isKnown(byte[] start) {
        return parser(new HeaderBytes(start)) != NONE;
    }

    private static Function<HeaderBytes, Optional<ImageHeader>> parser(HeaderBytes bytes) {
        if (bytes.starts(0, 0xff, 0xd8, 0xff)) {
            return JpegHeader::read;
        } else if (bytes.starts(0, 0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a)) {
            return ImageHeader::png;
        } else if (bytes.ascii(0, "BM")) {
            return ImageHeader::bmp;
        } else if (bytes.ascii(0, "RIFF") && bytes.ascii(8, "WEBP")) {
            return ImageHeader::webp;
        } else if (bytes.ascii(0, "GIF87a") || bytes.ascii(0, "GIF89a")) {
            return ImageHeader::gif;
        } else if (bytes.ascii(0, "II") || bytes.ascii(0, "MM")) {
            return TiffHeader::read;
        } else if (bytes.starts(0, 0x59, 0xa6, 0x6a, 0x95)) {
            return ImageHeader::sunRaster;
        }
        return TextHeader.begins(bytes) ? TextHeader::read : NONE;
    }

    /** Parses PNG, whose header chunk must come first, as the format demands. */
    private static Optional<ImageHeader> png(HeaderBytes bytes) {
        if (bytes.big(8, 4) != 13 || !bytes.ascii(12, "IHDR")) {
            return Optional.empty();
        }
        int channels = switch (bytes.at(25)) {
            case 2 -> 3;
            case 4 -> 2;
            case 6 -> 4;
            default -> 1;
        };
        long width = bytes.big(16, 4);
        long height = bytes.big(20, 4);
        long row = 1 + packed(width, (long) channels * bytes.at(24));
        return of(width, height, ImageSize.product(row, height) / DEFLATE_RATIO);
    }

    /**
     * Parses BMP with Windows' header or the first one of OS/2, which has 12 bytes. A negative height means that the
     * rows begin at the top.
     */
    private static Optional<ImageHeader> bmp(HeaderBytes bytes) {
        long header = bytes.little(14, 4);
        boolean old = header == 12;
        if (!old && header < 36) {
            return Optional.empty();
        }
        long width = old ? bytes.little(18, 2) : (int) bytes.little(18, 4);
        long height = old ? bytes.little(20, 2) : Math.abs((long) (int) bytes.little(22, 4));
        long bits = bytes.little(old ? 24 : 28, 2);
        long compression = old ? 0 : bytes.little(30, 4);
        boolean runLengths = compression == 1 || compression == 2;
        boolean masks = header == 40 && compression == 3 && bits == 32; // which the decoder ignores
        if (masks
                && !(bytes.little(54, 4) == 0xff0000 && bytes.little(58, 4) == 0xff00 && bytes.little(62, 4) == 0xff)) {
            return Optional.empty();
        }
        return of(width, height, runLengths ? 0 : ImageSize.product(packed(width, bits), height));
    }

    /** Parses GIF, whose decoder uses two RGBA canvases and the color indices: 9 bytes per pixel. */
    private static Optional<ImageHeader> gif(HeaderBytes bytes) {
        return of(bytes.little(6, 2), bytes.little(8, 2), 0).map(image -> image.withBuffer(9));
    }

    private static Optional<ImageHeader> webp(HeaderBytes bytes) {
        return switch (bytes.text(12, 4)) {
            case "VP8X" -> extendedWebp(bytes);
            case "VP8L" -> {
                long bits = bytes.little(21, 4);
                yield bits < 0
                        ? Optional.empty()
                        : of(1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff), 0).map(image -> image.withBuffer(8));
            }
            case "VP8 " -> {
                boolean whole = bytes.starts(23, 0x9d, 0x01, 0x2a) && bytes.length() >= 30;
                yield whole ? of(bytes.little(26, 2) & 0x3fff, bytes.little(28, 2) & 0x3fff, 0) : Optional.empty();
            }
            default -> Optional.empty();
        };
    }

    /** Parses extended WebP: animations and images with transparency need two RGBA buffers, other images one. */
    private static Optional<ImageHeader> extendedWebp(HeaderBytes bytes) {
        boolean twice = (bytes.at(20) & (ANIMATED | TRANSPARENT)) != 0;
        return of(1 + bytes.little(24, 3), 1 + bytes.little(27, 3), 0).map(image -> image.withBuffer(twice ? 8 : 4));
    }

    private ImageHeader withBuffer(int bytesPerPixel) {
        return new ImageHeader(size, minBytes, ImageSize.product(size.pixels(), bytesPerPixel), passes);
    }

    private static Optional<ImageHeader> sunRaster(HeaderBytes bytes) {
        long width = (int) bytes.big(4, 4);
        long height = (int) bytes.big(8, 4);
        boolean runLengths = bytes.big(20, 4) == 2;
        return of(width, height, runLengths ? 0 : ImageSize.product(packed(width, bytes.big(12, 4)), height));
    }

    /** Returns the number of bytes of a row whose pixels have {@code bits} bits; 0 for an impossible number of bits. */
    static long packed(long width, long bits) {
        return width < 0 || bits < 0 || bits > 256 ? 0 : (width * bits + 7) / 8;
    }
}
