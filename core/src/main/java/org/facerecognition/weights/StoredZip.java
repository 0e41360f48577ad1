package org.facerecognition.weights;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.zip.ZipEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;
import org.facerecognition.weights.PickledTensors.Place;

/**
 * A zip archive with uncompressed entries, as {@code torch.save} writes it, so that they can be read in place. Archives
 * with compressed entries are rejected, because a few bytes of them can expand to terabytes.
 */
final class StoredZip {
    /**
     * The largest entry to read into memory. A pickle holds names and numbers; those of the largest networks have a few
     * MiB.
     */
    static final long MAX_BYTES_IN_MEMORY = 64L << 20;

    private static final int HEAP_BYTES_PER_BYTE = 32; // memory of a parsed directory per byte, at worst
    private static final int HEAP_BYTES_PER_BYTE_OF_PICKLE = 4; // a text, and the bytes that it is made of
    private static final long BYTES_OF_END = 1L << 19; // that are read to find the record at the end of the archive

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Place> entries;

    private StoredZip(Path file, FileChannel channel, Map<String, Place> entries) {
        this.file = file;
        this.channel = channel;
        this.entries = entries;
    }

    /**
     * Reads the directory of the archive.
     *
     * @param channel the open file, borrowed; it must stay open while entries are read
     * @return empty when the file does not begin like a zip archive
     * @throws WeightsException when the archive is truncated, damaged or compressed, or when its directory is too large
     *     for the Java heap
     * @throws IOException when the file cannot be read
     */
    static Optional<StoredZip> open(Path file, FileChannel channel) throws IOException {
        long fitting = Runtime.getRuntime().maxMemory() / HEAP_BYTES_PER_BYTE;
        return open(file, channel, Math.min(fitting, MAX_BYTES_IN_MEMORY));
    }

    /**
     * Reads the directory of the archive. An archive may say that it has few entries and yet have many, so the bytes
     * that are read are counted.
     *
     * @param maxDirectoryBytes the largest number of bytes in the directory and in the headers of the entries
     */
    static Optional<StoredZip> open(Path file, FileChannel channel, long maxDirectoryBytes) throws IOException {
        ByteBuffer start = ByteBuffer.allocate(2);
        channel.read(start, 0);
        if (start.get(0) != 'P' || start.get(1) != 'K') {
            return Optional.empty();
        }
        long size = channel.size();
        Map<String, Place> entries = new LinkedHashMap<>();
        BorrowedChannel directory = new BorrowedChannel(channel, maxDirectoryBytes + BYTES_OF_END, () -> {
            throw new WeightsException(file + " is refused: the directory of its archive must have at most "
                    + limit(maxDirectoryBytes, "more"));
        });
        try (ZipFile zip = ZipFile.builder().setSeekableByteChannel(directory).get()) {
            List<ZipArchiveEntry> all = Collections.list(zip.getEntries());
            ForeignFile.describeZip(all.stream().map(ZipArchiveEntry::getName).toList())
                    .ifPresent(what -> {
                        throw new WeightsException(file + " " + what);
                    });
            for (ZipArchiveEntry entry : all) {
                if (entry.getName().contains("/code/")) {
                    continue; // the program of a TorchScript archive, which is compressed and not read
                }
                if (entries.put(entry.getName(), place(file, size, entry)) != null) {
                    throw new WeightsException(
                            file + " is refused: its archive has \"" + entry.getName() + "\" twice; use another copy");
                }
            }
        } catch (WeightsException e) {
            throw e;
        } catch (UncheckedIOException e) { // of the file rather than of the archive
            throw e.getCause();
        } catch (IOException | RuntimeException e) { // a damaged directory can lead to any of these
            throw new WeightsException(
                    file + " is truncated or damaged: its archive cannot be read; use another copy", e);
        }
        return Optional.of(new StoredZip(file, channel, entries));
    }

    private static Place place(Path file, long size, ZipArchiveEntry entry) {
        if (entry.getMethod() != ZipEntry.STORED) {
            throw new WeightsException(file + " is refused: \"" + entry.getName()
                    + "\" in it is compressed, which torch.save does not do; save it again without compression");
        }
        long begin = entry.getDataOffset();
        long bytes = entry.getCompressedSize();
        if (begin < 0 || bytes < 0 || begin > size - bytes) {
            throw new WeightsException(file + " is truncated or damaged: \"" + entry.getName() + "\" in it lies beyond"
                    + " its end; use another copy");
        }
        return new Place(begin, bytes);
    }

    Set<String> names() {
        return entries.keySet();
    }

    /** @param name one of the {@link #names} */
    Place place(String name) {
        return Objects.requireNonNull(entries.get(name), name);
    }

    /**
     * Reads an entry into memory.
     *
     * @param name one of the {@link #names}
     * @throws WeightsException when it is larger than any state dict needs, or than fits into the Java heap
     */
    byte[] bytes(String name) throws IOException {
        try {
            return stream(name).readAllBytes();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /**
     * Returns an entry as a stream, which reads from the file.
     *
     * @param name one of the {@link #names}
     * @throws WeightsException when it is larger than any state dict needs, or than what is made of it fits into the
     *     Java heap
     */
    InputStream stream(String name) {
        Place place = place(name);
        long max = maxBytesInMemory();
        if (place.bytes() > max) {
            throw new WeightsException(file + " is refused: \"" + name + "\" in it must have at most "
                    + limit(max, String.valueOf(place.bytes())));
        }
        return new FileSection(channel, place.begin(), place.bytes(), max);
    }

    /** Returns the number of bytes of a pickle that fit into the Java heap together with what is made of them. */
    static long maxBytesInMemory() {
        return Math.min(MAX_BYTES_IN_MEMORY, Runtime.getRuntime().maxMemory() / HEAP_BYTES_PER_BYTE_OF_PICKLE);
    }

    /** Returns a number of bytes and, depending on whether the Java heap sets this limit, what to do. */
    static String limit(long max, String had) {
        return max + " bytes"
                + (max < MAX_BYTES_IN_MEMORY
                        ? " in this Java heap, but had " + had + "; give Java more memory (-Xmx)"
                        : ", but had " + had + "; save the weights alone, with torch.save(model.state_dict(), file)");
    }
}
