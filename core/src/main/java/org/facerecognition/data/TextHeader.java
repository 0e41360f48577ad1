package org.facerecognition.data;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Parses headers that are text: Netpbm's bitmaps, graymaps and pixmaps, its PAM, and Radiance HDR. Uncompressed data
 * must be long enough for the number of pixels that the header declares.
 */
final class TextHeader {
    private static final int MAX_CHARACTERS = 1 << 16;
    private static final Pattern PAM_LINE =
            Pattern.compile("#[ -~]{0,200}|(WIDTH|HEIGHT|DEPTH|MAXVAL) (\\d{1,9})|TUPLTYPE [A-Z_]{1,40}|ENDHDR");
    private static final Pattern HDR_SIZE = Pattern.compile("-Y (\\d{1,9}) \\+X (\\d{1,9})\n");

    private final HeaderBytes bytes;
    private int at;

    private TextHeader(HeaderBytes bytes, int at) {
        this.bytes = bytes;
        this.at = at;
    }

    /**
     * The samples of a binary graymap, pixmap or PAM.
     *
     * @param depth samples of each pixel
     * @param maxValue of a sample, which has two bytes if it is above 255
     * @param start of the first row
     */
    record Raster(long width, long height, long depth, long maxValue, int start) {}

    /** Returns where the samples of a binary graymap, pixmap or PAM are; empty for other files. */
    static Optional<Raster> raster(HeaderBytes bytes) {
        if (isPam(bytes)) {
            return pamRaster(bytes);
        }
        boolean binary = bytes.ascii(0, "P5") || bytes.ascii(0, "P6");
        if (!binary || !isSpace(bytes.at(2))) {
            return Optional.empty();
        }
        TextHeader header = new TextHeader(bytes, 2);
        long width = header.number();
        long height = header.number();
        long maxValue = header.number();
        return Optional.of(new Raster(width, height, bytes.at(1) == '5' ? 1 : 3, maxValue, header.at + 1));
    }

    /** Returns whether a file begins like one in these formats. */
    static boolean begins(HeaderBytes bytes) {
        return isPam(bytes) || isHdr(bytes) || netpbmKind(bytes) > 0;
    }

    static Optional<ImageHeader> read(HeaderBytes bytes) {
        if (isPam(bytes)) {
            return pam(bytes);
        } else if (isHdr(bytes)) {
            return hdr(bytes);
        }
        int kind = netpbmKind(bytes);
        return kind > 0 ? new TextHeader(bytes, 2).netpbm(kind) : Optional.empty();
    }

    private static boolean isPam(HeaderBytes bytes) {
        return bytes.ascii(0, "P7\n");
    }

    private static boolean isHdr(HeaderBytes bytes) {
        return bytes.ascii(0, "#?RGBE") || bytes.ascii(0, "#?RADIANCE");
    }

    /** Returns 1 to 6 for a bitmap, graymap or pixmap as text or binary, 0 for other files. */
    private static int netpbmKind(HeaderBytes bytes) {
        int kind = bytes.at(0) == 'P' ? bytes.at(1) - '0' : 0;
        return kind >= 1 && kind <= 6 && isSpace(bytes.at(2)) ? kind : 0;
    }

    private Optional<ImageHeader> netpbm(int kind) {
        long width = number();
        long height = number();
        boolean bits = kind == 1 || kind == 4;
        long maxValue = bits ? 1 : number();
        if (width < 1 || height < 1 || maxValue < 1) {
            return Optional.empty();
        }
        long samples = kind == 3 || kind == 6 ? 3 : 1;
        long row = switch (kind) {
            case 4 -> ImageHeader.packed(width, 1);
            case 5, 6 -> width * samples * (maxValue > 255 ? 2 : 1);
            case 1 -> width;
            default -> width * (2 * samples - 1); // one digit each, separated by spaces
        };
        return ImageHeader.of(width, height, ImageSize.product(row, height));
    }

    /** Reads the next number, after white space and comments, which end with their line; -1 when there is none. */
    private long number() {
        while (isSpace(bytes.at(at)) || bytes.at(at) == '#') {
            if (bytes.at(at) == '#') {
                while (bytes.at(at) != '\n' && bytes.at(at) != '\r' && bytes.at(at) >= 0) {
                    at++;
                }
            }
            at++;
        }
        int from = at;
        while (Character.isDigit(bytes.at(at)) && at - from < 10) {
            at++;
        }
        boolean whole = at > from && at - from < 10 && isSpace(bytes.at(at));
        return whole ? Long.parseLong(bytes.text(from, at - from)) : -1;
    }

    private static boolean isSpace(int character) {
        return character == ' ' || character >= '\t' && character <= '\r';
    }

    /** Parses PAM; only plain lines are accepted, with each number once. */
    private static Optional<ImageHeader> pam(HeaderBytes bytes) {
        return pamRaster(bytes).flatMap(raster -> {
            long row = raster.width() * Math.max(1, raster.depth()) * (raster.maxValue() > 255 ? 2 : 1);
            return ImageHeader.of(
                    raster.width(), raster.height(), row < 0 ? 0 : ImageSize.product(row, raster.height()));
        });
    }

    private static Optional<Raster> pamRaster(HeaderBytes bytes) {
        long[] numbers = {-1, -1, -1, -1}; // width, height, depth, maximum value
        String text = bytes.text(3, MAX_CHARACTERS);
        for (int from = 0, to = text.indexOf('\n'); to >= 0; from = to + 1, to = text.indexOf('\n', from)) {
            Matcher line = PAM_LINE.matcher(text).region(from, to);
            if (!line.matches()) {
                return Optional.empty();
            }
            if (line.group().equals("ENDHDR")) {
                return Optional.of(new Raster(numbers[0], numbers[1], numbers[2], numbers[3], 3 + to + 1));
            }
            if (line.group(1) != null) {
                int which = "WHDM".indexOf(line.group(1).charAt(0));
                if (numbers[which] >= 0) {
                    return Optional.empty();
                }
                numbers[which] = Long.parseLong(line.group(2));
            }
        }
        return Optional.empty();
    }

    /** Parses Radiance HDR, where the size is the line after the first empty one. */
    private static Optional<ImageHeader> hdr(HeaderBytes bytes) {
        String text = bytes.text(0, MAX_CHARACTERS);
        int end = text.indexOf("\n\n");
        Matcher size = HDR_SIZE.matcher(text).region(end < 0 ? text.length() : end + 2, text.length());
        return size.lookingAt()
                ? hdr(new ImageSize(Long.parseLong(size.group(2)), Long.parseLong(size.group(1))))
                : Optional.empty();
    }

    /** Run-length coding turns two bytes into at most 127; the decoder keeps three floats per pixel. */
    private static Optional<ImageHeader> hdr(ImageSize size) {
        return size.width() > 0 && size.height() > 0
                ? Optional.of(
                        new ImageHeader(size, size.pixels() / 16, ImageSize.product(3 * Float.BYTES, size.pixels()), 1))
                : Optional.empty();
    }
}
