package org.facerecognition.data;

import java.util.Arrays;
import java.util.Optional;

/**
 * Parses the header of a JPEG file as libjpeg does: between two segments any byte other than 0xff is skipped, and so
 * are repeated 0xff; thumbnails lie within segments, which are skipped; the first frame header counts, since libjpeg
 * rejects a second one. Each scan of a progressive file makes the decoder go over all pixels once more.
 */
final class JpegHeader {
    private static final int MARKER = 0xff;
    private static final int START_OF_SCAN = 0xda;
    private static final int END_OF_IMAGE = 0xd9;
    private static final int APP1 = 0xe1;
    private static final String EXIF = "Exif\0\0";

    private final HeaderBytes bytes;
    private int at = 2; // behind the start-of-image marker
    private int firstScanComponents;

    private JpegHeader(HeaderBytes bytes) {
        this.bytes = bytes;
    }

    static Optional<ImageHeader> read(HeaderBytes bytes) {
        return new JpegHeader(bytes).read();
    }

    private Optional<ImageHeader> read() {
        for (int marker = nextMarker(); marker >= 0 && marker != END_OF_IMAGE; marker = nextMarker()) {
            if (marker == START_OF_SCAN) {
                return Optional.empty(); // a scan without a frame header
            }
            if (isFrame(marker)) {
                ImageSize size = new ImageSize(bytes.big(at + 5L, 2), bytes.big(at + 3L, 2));
                double coefficients = coefficientsPerPixel();
                int components = bytes.at(at + 7L);
                skipSegment(marker);
                int scans = scans();
                boolean keepsCoefficients = isProgressive(marker) || scans > 1 || firstScanComponents < components;
                long buffer = keepsCoefficients ? (long) (Short.BYTES * coefficients * size.pixels()) : 0;
                return size.width() > 0 && size.height() > 0
                        ? Optional.of(new ImageHeader(size, 0, buffer, scans))
                        : Optional.empty();
            }
            skipSegment(marker);
        }
        return Optional.empty();
    }

    /** Returns whether the EXIF orientation may make the decoder turn or mirror the image. */
    static boolean isTurned(HeaderBytes bytes) {
        return new JpegHeader(bytes).isTurned();
    }

    private boolean isTurned() {
        for (int marker = nextMarker(); marker >= 0 && marker != END_OF_IMAGE; marker = nextMarker()) {
            if (marker == START_OF_SCAN) {
                return false;
            }
            if (marker == APP1 && bytes.ascii(at + 2, EXIF)) {
                int from = at + 2 + EXIF.length();
                int to = (int) Math.min(bytes.length(), at + bytes.big(at, 2));
                byte[] tiff = Arrays.copyOfRange(bytes.bytes(), from, Math.max(from, to));
                if (TiffHeader.isTurned(new HeaderBytes(tiff))) {
                    return true;
                }
            }
            skipSegment(marker);
        }
        return false;
    }

    /**
     * Returns the number of coefficients per pixel in all components together, by their sampling factors. The decoder
     * keeps the coefficients when there may be several scans.
     */
    private double coefficientsPerPixel() {
        int max = 1;
        int sum = 0;
        for (int i = 0; i < bytes.at(at + 7L); i++) {
            int sampling = Math.max(0, bytes.at(at + 9L + 3L * i));
            int samples = (sampling >> 4) * (sampling & 0xf);
            max = Math.max(max, samples);
            sum += samples;
        }
        return (double) sum / max;
    }

    private static boolean isFrame(int marker) {
        return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    }

    private static boolean isProgressive(int frame) {
        return (frame & 3) == 2; // c2, c6, ca, ce
    }

    /**
     * Moves behind the next marker and returns it; -1 at the end of the file. 0xff 0x00 represents a byte of compressed
     * data and is not a marker.
     */
    private int nextMarker() {
        byte[] file = bytes.bytes();
        while (at < file.length) {
            at = HeaderBytes.next255(file, at);
            while (at < file.length && file[at] == (byte) MARKER) {
                at++;
            }
            int marker = bytes.at(at++);
            if (marker != 0) {
                return marker;
            }
        }
        return -1;
    }

    /** Skips a segment by its length, which counts itself; restart markers and the like have no segment. */
    private void skipSegment(int marker) {
        boolean alone = marker == 1 || marker >= 0xd0 && marker <= 0xd7;
        if (!alone) {
            at = (int) Math.min(bytes.length(), at + Math.max(2, bytes.big(at, 2)));
        }
    }

    /** Counts the scans up to the end of the image. */
    private int scans() {
        int scans = 0;
        for (int marker = nextMarker(); marker >= 0 && marker != END_OF_IMAGE; marker = nextMarker()) {
            if (marker == START_OF_SCAN && scans++ == 0) {
                firstScanComponents = bytes.at(at + 2L);
            }
            skipSegment(marker);
        }
        return scans;
    }
}
