package org.facerecognition.examples;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.PassedOver;
import org.facerecognition.io.AtomicFile;

/**
 * What earlier runs of {@code align} left in the folder of the crops, which would be trained on. Safe for use by several
 * threads.
 */
final class FormerCrops {
    private static final long PNG_SIGNATURE = 0x89504e470d0a1a0aL;
    private static final int HEADER_CHUNK = 0x49484452; // IHDR

    private final Path folder;
    private final Set<Path> written = ConcurrentHashMap.newKeySet();
    private final AtomicInteger deleted = new AtomicInteger();

    /** @param folder in which the crops are, or will be */
    FormerCrops(Path folder) {
        this.folder = folder;
    }

    private static Path absolute(Path file) {
        return file.toAbsolutePath().normalize();
    }

    /** Takes note of crops that this run has written. */
    void written(List<String> crops) {
        crops.forEach(crop -> written.add(absolute(Path.of(crop))));
    }

    /**
     * Deletes the crops of one image from a number up to the first that is missing. A file that has such a name but not
     * the shape of a crop is none, and ends them, too.
     *
     * @param first the number of the first crop that this run has not written
     * @param named returns the file of the crop of a number
     */
    void deleteFrom(int first, IntFunction<Path> named) {
        for (int number = first; isCrop(named.apply(number)); number++) {
            Path crop = named.apply(number);
            try {
                Files.delete(crop);
            } catch (IOException e) {
                throw new UncheckedIOException(
                        "cannot delete " + crop + ", a crop of an earlier run: " + AtomicFile.reason(e), e);
            }
            deleted.incrementAndGet();
        }
    }

    /** Returns whether a file is a PNG image that is square or 96x112, as this program writes them. */
    private static boolean isCrop(Path file) {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
            if (in.readLong() != PNG_SIGNATURE) {
                return false;
            }
            in.readInt(); // the header's length
            if (in.readInt() != HEADER_CHUNK) {
                return false;
            }
            int width = in.readInt();
            int height = in.readInt();
            return width == height || (width == 96 && height == 112);
        } catch (EOFException e) {
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    /** Says how many crops were deleted, if any. */
    Optional<String> deletedNote() {
        int count = deleted.get();
        return count == 0
                ? Optional.empty()
                : Optional.of("deleted " + count + (count == 1 ? " crop" : " crops")
                        + " of an earlier run, which found more faces in the same images");
    }

    /** Says how many other images there are among the crops, if any. */
    Optional<String> othersNote() {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        long count;
        try {
            count = ImageFiles.below(folder, new PassedOver()).stream()
                    .filter(file -> !written.contains(absolute(file)))
                    .count();
        } catch (DataException e) { // a folder in it that cannot be read; the crops are written nonetheless
            return Optional.of("note: " + e.getMessage());
        }
        return count == 0
                ? Optional.empty()
                : Optional.of("note: " + folder + " has " + count + (count == 1 ? " image file" : " image files")
                        + " that this run did not write; remove what is not to be trained on");
    }
}
