package org.facerecognition.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.facerecognition.natives.ParallelStreams;

/** Short hashes of data sets: the first 8 bytes of a SHA-256, in hexadecimal. Checkpoints compare them on resume. */
final class DatasetFingerprint {
    private static final int MAX_READ = 20_000;
    private static final int HASH_BYTES = 8;
    private static final long ABSENT = -1;

    private DatasetFingerprint() {}

    /** Returns the hash of the names and labels in order, the crop and the augmentations. */
    static String ofNames(FaceDataset faces) {
        return ofNames(faces, ImageSource::name);
    }

    /** @param nameOf returns the name of an image */
    static String ofNames(FaceDataset faces, Function<ImageSource, String> nameOf) {
        MessageDigest sha = sha256();
        for (LabeledImage image : faces.images()) {
            update(sha, nameOf.apply(image.image()) + '\t' + image.label() + '\n');
        }
        update(
                sha,
                faces.identities() + " " + faces.crop() + " " + faces.augmentations() + " "
                        + faces.composesAugmentations());
        return hex(sha);
    }

    /** Returns the hash of the sizes and contents of images. */
    static String ofContents(List<LabeledImage> images) {
        return ofContents(images, MAX_READ);
    }

    /** @param maxRead of more images than this, only so many evenly spaced ones are read */
    static String ofContents(List<LabeledImage> images, int maxRead) {
        int count = images.size();
        ContextLoader context = new ContextLoader(); // threads of a pool read, too
        long[] sizes = new long[count];
        ParallelStreams.forEach(
                0,
                count,
                i -> sizes[i] = context.call(() -> valueOf(images.get(i).image(), ImageSource::contentBytes)));
        int read = Math.min(count, maxRead);
        long[] checksums = new long[read];
        ParallelStreams.forEach(0, read, i -> {
            int index = (int) ((long) i * count / read);
            checksums[i] = context.call(() -> valueOf(images.get(index).image(), ImageSource::contentChecksum));
        });
        MessageDigest sha = sha256();
        update(sha, sizes);
        update(sha, checksums);
        return hex(sha);
    }

    private static long valueOf(ImageSource image, ToLongFunction<ImageSource> property) {
        try {
            return property.applyAsLong(image);
        } catch (RuntimeException e) { // missing, not an image, an unencodable name, or an error in a user's source
            return ABSENT;
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static void update(MessageDigest sha, String text) {
        sha.update(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void update(MessageDigest sha, long[] numbers) {
        for (long number : numbers) {
            sha.update(ByteBuffer.allocate(Long.BYTES).putLong(number).flip());
        }
    }

    private static String hex(MessageDigest sha) {
        return HexFormat.of().formatHex(sha.digest(), 0, HASH_BYTES);
    }
}
