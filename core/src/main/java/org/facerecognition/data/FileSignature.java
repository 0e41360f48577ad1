package org.facerecognition.data;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Identifies, by its first bytes, a file that was given as an image but cannot be decoded. */
final class FileSignature {
    private static final int TEXT_BYTES = 1024;
    private static final Set<String> HEIC_BRANDS =
            Set.of("heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs");
    private static final Set<String> GENERIC_BRANDS = Set.of("mif1", "mif2", "msf1", "miaf");
    private static final Set<String> AVIF_BRANDS = Set.of("avif", "avis");

    private FileSignature() {}

    /**
     * Returns the rest of a sentence that begins with the name of a file, with the way out: {@code is a HEIC image, as
     * iPhones write it, which cannot be read; convert it to JPEG}. Empty for unknown contents.
     *
     * @param bytes the first bytes, or all
     * @param length of the file
     */
    static Optional<String> sentence(byte[] bytes, long length) {
        if (allZero(bytes)) {
            String zeros = bytes.length == length ? "contains only zeros" : "begins with zeros";
            return Optional.of(zeros + ", as after an interrupted copy; replace the file");
        }
        Optional<String> image = unreadableImage(bytes);
        if (image.isPresent()) {
            return image.map(what -> "is " + what + ", which cannot be read; convert it to JPEG");
        }
        if (ascii(bytes, 0, "GIF8")) {
            return Optional.of("is a damaged GIF image; replace the file");
        }
        return other(bytes).map(what -> "is " + what + ", not an image; give the image itself");
    }

    private static Optional<String> unreadableImage(byte[] bytes) {
        if (ascii(bytes, 4, "ftyp")) {
            return mediaFile(bytes);
        }
        if (starts(bytes, 0xff, 0x0a) || starts(bytes, 0, 0, 0, 0x0c, 'J', 'X', 'L', ' ')) {
            return Optional.of("a JPEG XL image");
        }
        if (starts(bytes, 0xff, 0x4f, 0xff, 0x51) || starts(bytes, 0, 0, 0, 0x0c, 'j', 'P', ' ', ' ')) {
            return Optional.of("a JPEG 2000 image");
        }
        if (ascii(bytes, 0, "8BPS")) {
            return Optional.of("a Photoshop image");
        }
        if (ascii(bytes, 0, "gimp xcf")) {
            return Optional.of("a GIMP image");
        }
        if (starts(bytes, 0x76, 0x2f, 0x31, 0x01)) {
            return Optional.of("an OpenEXR image");
        }
        if (starts(bytes, 0, 0, 1, 0)) {
            return Optional.of("an icon");
        }
        if (starts(bytes, 'I', 'I', 0xbc, 1)) {
            return Optional.of("a JPEG XR image");
        }
        if (ascii(bytes, 0, "PF\n") || ascii(bytes, 0, "Pf\n")) {
            return Optional.of("a PFM image");
        }
        if (ascii(bytes, 0, "DDS ")) {
            return Optional.of("a DDS image");
        }
        if (ascii(bytes, 0, "qoif")) {
            return Optional.of("a QOI image");
        }
        if (starts(bytes, 'B', 'P', 'G', 0xfb)) {
            return Optional.of("a BPG image");
        }
        if (ascii(bytes, 0, "%!PS")) {
            return Optional.of("a PostScript drawing");
        }
        if (ascii(bytes, 128, "DICM")) {
            return Optional.of("a DICOM image");
        }
        if (isCameraRaw(bytes)) {
            return Optional.of("a camera's raw image");
        }
        return text(bytes).contains("<svg") ? Optional.of("an SVG drawing") : Optional.empty();
    }

    /** Identifies ISO media files by their major brand of four letters and their compatible brands. */
    private static Optional<String> mediaFile(byte[] bytes) {
        String brand = latin(bytes, 8, 12);
        if (AVIF_BRANDS.contains(brand)) {
            return Optional.of("an AVIF image");
        }
        long end = Math.min(bytes.length, number(bytes, 0, 4, false));
        for (int at = 16; GENERIC_BRANDS.contains(brand) && at + 4 <= end; at += 4) {
            if (AVIF_BRANDS.contains(latin(bytes, at, at + 4))) {
                return Optional.of("an AVIF image");
            }
        }
        if (HEIC_BRANDS.contains(brand) || GENERIC_BRANDS.contains(brand)) {
            return Optional.of("a HEIC image, as iPhones write it");
        }
        return brand.equals("crx ") ? Optional.of("a camera's raw image") : Optional.empty();
    }

    private static boolean isCameraRaw(byte[] bytes) {
        if (ascii(bytes, 0, "FUJIFILMCCD-RAW") || ascii(bytes, 0, "FOVb") || starts(bytes, 0, 'M', 'R', 'M')) {
            return true;
        }
        boolean little = ascii(bytes, 0, "II");
        if (!little && !ascii(bytes, 0, "MM")) {
            return false;
        }
        if (ascii(bytes, 8, "CR") || ascii(bytes, 6, "HEAPCCDR")) { // Canon
            return true;
        }
        if (ascii(bytes, 0, "IIRO")
                || ascii(bytes, 0, "IIRS")
                || ascii(bytes, 0, "MMOR")
                || starts(bytes, 'I', 'I', 'U')) {
            return true; // Olympus, Panasonic
        }
        return TiffHeader.isRawWithPreview(new HeaderBytes(bytes));
    }

    private static Optional<String> other(byte[] bytes) {
        if (ascii(bytes, 4, "ftyp") || ascii(bytes, 4, "moov") || ascii(bytes, 4, "mdat")) {
            return Optional.of("a video");
        }
        if (ascii(bytes, 0, "RIFF") && !ascii(bytes, 8, "WEBP")) {
            return Optional.of(ascii(bytes, 8, "AVI ") ? "a video" : "a RIFF file, such as a sound recording");
        }
        if (starts(bytes, 0x1a, 0x45, 0xdf, 0xa3)) {
            return Optional.of("a video");
        }
        if (ascii(bytes, 0, "%PDF")) {
            return Optional.of("a PDF document");
        }
        if (starts(bytes, 'P', 'K', 3, 4)) {
            return Optional.of("a ZIP archive");
        }
        if (starts(bytes, 0x1f, 0x8b)) {
            return Optional.of("compressed by gzip");
        }
        if (ascii(bytes, 0, "Rar!") || starts(bytes, '7', 'z', 0xbc, 0xaf)) {
            return Optional.of("an archive");
        }
        if (starts(bytes, 0, 5, 0x16, 7)) {
            return Optional.of("a metadata file of macOS (AppleDouble)");
        }
        String text = text(bytes);
        if (text.startsWith("version https://git-lfs")) {
            return Optional.of("a Git LFS pointer");
        }
        if (text.startsWith("<!doctype html") || text.startsWith("<html")) {
            return Optional.of("a web page, such as a server's error page");
        }
        return text.startsWith("<?xml") ? Optional.of("an XML document") : Optional.empty();
    }

    /** Returns the beginning as lower-case text, without a byte order mark and leading white space. */
    private static String text(byte[] bytes) {
        int from = starts(bytes, 0xef, 0xbb, 0xbf) ? 3 : 0;
        return latin(bytes, from, from + TEXT_BYTES).stripLeading().toLowerCase(Locale.ROOT);
    }

    private static boolean allZero(byte[] bytes) {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private static boolean starts(byte[] bytes, int... magic) {
        if (bytes.length < magic.length) {
            return false;
        }
        for (int i = 0; i < magic.length; i++) {
            if ((bytes[i] & 0xff) != magic[i]) {
                return false;
            }
        }
        return true;
    }

    private static boolean ascii(byte[] bytes, int at, String text) {
        return latin(bytes, at, at + text.length()).equals(text);
    }

    private static String latin(byte[] bytes, int from, int to) {
        int end = Math.min(to, bytes.length);
        return from >= end ? "" : new String(bytes, from, end - from, StandardCharsets.ISO_8859_1);
    }

    private static long number(byte[] bytes, int at, int count, boolean little) {
        long value = 0;
        for (int i = 0; i < count && at + count <= bytes.length; i++) {
            value = value << 8 | bytes[little ? at + count - 1 - i : at + i] & 0xff;
        }
        return value;
    }
}
