package org.facerecognition.data;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.facerecognition.data.TextHeader.Raster;

/**
 * Rewrites the binary graymaps, pixmaps and PAM files that OpenCV takes for others: it ignores which value is white
 * unless that is 255 or 65,535, as in the files of cameras with 10 or 12 bits, and the samples of transparency.
 */
final class NetpbmSamples {
    private NetpbmSamples() {}

    /**
     * Returns a file with samples of 8 bits, without transparency, where its own are others; else the file itself.
     *
     * @param file whose header has been read, and declares no more pixels than may be decoded
     * @return empty when its pixels have no or more than four samples, no value is white, or samples are missing
     */
    static Optional<byte[]> plain(byte[] file) {
        Optional<Raster> found = TextHeader.raster(new HeaderBytes(file));
        if (found.isEmpty()) {
            return Optional.of(file);
        }
        Raster raster = found.get();
        if (raster.depth() < 1 || raster.depth() > 4 || raster.maxValue() < 1 || raster.maxValue() > 0xffff) {
            return Optional.empty();
        }
        long bytes = ImageSize.product(
                raster.width() * raster.depth() * (raster.maxValue() > 0xff ? 2 : 1), raster.height());
        if (bytes > file.length - raster.start()) {
            return Optional.empty();
        }
        boolean usual = raster.maxValue() == 0xff || raster.maxValue() == 0xffff;
        return Optional.of(usual && raster.depth() % 2 == 1 ? file : rewritten(file, raster));
    }

    private static byte[] rewritten(byte[] file, Raster raster) {
        int colors = raster.depth() < 3 ? 1 : 3; // the others are transparency
        int pixels = Math.toIntExact(raster.width() * raster.height());
        byte[] header = (colors == 1 ? "P5 " : "P6 ")
                .concat(raster.width() + " " + raster.height() + " 255\n") // a format has the digits of its locale
                .getBytes(StandardCharsets.US_ASCII);
        byte[] plain = new byte[header.length + colors * pixels];
        System.arraycopy(header, 0, plain, 0, header.length);
        int max = (int) raster.maxValue();
        int bytes = max > 0xff ? 2 : 1;
        int skipped = bytes * ((int) raster.depth() - colors);
        int from = raster.start();
        int to = header.length;
        for (int pixel = 0; pixel < pixels; pixel++, from += skipped) {
            for (int color = 0; color < colors; color++, from += bytes) {
                int sample = bytes == 1 ? file[from] & 0xff : (file[from] & 0xff) << 8 | file[from + 1] & 0xff;
                // of 16 bits, the upper ones, as OpenCV takes them from other files
                plain[to++] = (byte) (max == 0xffff ? sample >> 8 : (255 * Math.min(sample, max) + max / 2) / max);
            }
        }
        return plain;
    }
}
