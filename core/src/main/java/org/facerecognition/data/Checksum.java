package org.facerecognition.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;

/** CRC-32 checksums. Packs record that of each image, so that an image and its packed copy have the same. */
final class Checksum {
    private static final int BUFFER_BYTES = 1 << 16;

    private Checksum() {}

    static long of(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return crc.getValue();
    }

    static long of(String text) {
        return of(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Returns the checksum of a file of any size, which is read in blocks. */
    static long of(Path file) throws IOException {
        CRC32 crc = new CRC32();
        byte[] block = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int read = in.read(block); read >= 0; read = in.read(block)) {
                crc.update(block, 0, read);
            }
        }
        return crc.getValue();
    }
}
