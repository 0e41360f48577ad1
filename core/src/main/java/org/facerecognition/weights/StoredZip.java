package org.facerecognition.weights;

import java.io.IOException;
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
     * @throws WeightsException when the archive is truncated, damaged or compressed
     */
    static Optional<StoredZip> open(Path file, FileChannel channel) throws IOException {
        ByteBuffer start = ByteBuffer.allocate(2);
        channel.read(start, 0);
        if (start.get(0) != 'P' || start.get(1) != 'K') {
            return Optional.empty();
        }
        Map<String, Place> entries = new LinkedHashMap<>();
        // The ZipFile is not closed, because that would close the channel, which is borrowed.
        try {
            ZipFile zip = ZipFile.builder().setSeekableByteChannel(channel).get();
            List<ZipArchiveEntry> all = Collections.list(zip.getEntries());
            ForeignFile.describeZip(all.stream().map(ZipArchiveEntry::getName).toList())
                    .ifPresent(what -> {
                        throw new WeightsException(file + " " + what);
                    });
            for (ZipArchiveEntry entry : all) {
                if (entry.getName().contains("/code/")) {
                    continue; // the program of a TorchScript archive, which is compressed and not read
                }
                if (entries.put(entry.getName(), place(file, channel, entry)) != null) {
                    throw new WeightsException(
                            file + " is refused: its archive has \"" + entry.getName() + "\" twice; use another copy");
                }
            }
        } catch (WeightsException e) {
            throw e;
        } catch (IOException | RuntimeException e) { // a damaged directory can lead to any of these
            throw new WeightsException(
                    file + " is truncated or damaged: its archive cannot be read; use another copy", e);
        }
        return Optional.of(new StoredZip(file, channel, entries));
    }

    private static Place place(Path file, FileChannel channel, ZipArchiveEntry entry) throws IOException {
        if (entry.getMethod() != ZipEntry.STORED) {
            throw new WeightsException(file + " is refused: \"" + entry.getName()
                    + "\" in it is compressed, which torch.save does not do; save it again without compression");
        }
        long begin = entry.getDataOffset();
        long bytes = entry.getCompressedSize();
        if (begin < 0 || bytes < 0 || begin > channel.size() - bytes) {
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
     * @throws WeightsException when it is larger than any state dict needs
     */
    byte[] bytes(String name) throws IOException {
        Place place = place(name);
        if (place.bytes() > MAX_BYTES_IN_MEMORY) {
            throw new WeightsException(file + " is refused: \"" + name + "\" in it has " + place.bytes()
                    + " bytes, more than any state dict needs");
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) place.bytes());
        while (bytes.hasRemaining() && channel.read(bytes, place.begin() + bytes.position()) >= 0) {}
        return bytes.array();
    }
}
