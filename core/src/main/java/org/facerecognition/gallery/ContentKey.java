package org.facerecognition.gallery;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Computes content keys for {@link Enrollment}: the first half of the SHA-256 digest of an image file, in hexadecimal.
 */
public final class ContentKey {
    private static final String PREFIX = "sha256:";
    private static final int BYTES = 16;
    private static final int BUFFER_BYTES = 1 << 16;

    private ContentKey() {}

    /**
     * Returns the content key of an image file.
     *
     * @throws IOException if the file cannot be read
     */
    public static String of(Path file) throws IOException {
        MessageDigest digest = sha256();
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            while (in.read(buffer) >= 0) {
                // the stream updates the digest
            }
        }
        return text(digest);
    }

    /** Returns the content key of the bytes of an image file. */
    public static String of(byte[] bytes) {
        MessageDigest digest = sha256();
        digest.update(bytes);
        return text(digest);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must support SHA-256", e);
        }
    }

    private static String text(MessageDigest digest) {
        return PREFIX + HexFormat.of().formatHex(digest.digest(), 0, BYTES);
    }
}
