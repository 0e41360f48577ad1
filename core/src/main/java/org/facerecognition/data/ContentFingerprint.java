package org.facerecognition.data;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/** A hash of what many images hold. */
final class ContentFingerprint {
    private static final int MAX_READ = 20_000;
    private static final long ABSENT = -1;

    private ContentFingerprint() {}

    static String of(List<FaceDataset.Labelled> images) {
        return of(images, MAX_READ);
    }

    /** @param mostRead of more images, so many evenly spread ones are read */
    static String of(List<FaceDataset.Labelled> images, int mostRead) {
        int size = images.size();
        long[] sizes = new long[size];
        IntStream.range(0, size)
                .parallel()
                .forEach(i -> sizes[i] = told(images.get(i).image(), ImageSource::contentBytes));
        int read = Math.min(size, mostRead);
        long[] checksums = new long[read];
        IntStream.range(0, read).parallel().forEach(i -> {
            int place = (int) ((long) i * size / read);
            checksums[i] = told(images.get(place).image(), ImageSource::contentChecksum);
        });
        return hash(sizes, checksums);
    }

    private static long told(ImageSource image, ToLongFunction<ImageSource> what) {
        try {
            return what.applyAsLong(image);
        } catch (RuntimeException e) { // gone, no image, a name that this process cannot write, a stranger's source
            return ABSENT;
        }
    }

    private static String hash(long[] sizes, long[] checksums) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            update(sha, sizes);
            update(sha, checksums);
            return HexFormat.of().formatHex(sha.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static void update(MessageDigest sha, long[] numbers) {
        for (long number : numbers) {
            sha.update(ByteBuffer.allocate(Long.BYTES).putLong(number).flip());
        }
    }
}
