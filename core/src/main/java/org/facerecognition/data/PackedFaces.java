package org.facerecognition.data;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntConsumer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.AtomicFile;

/**
 * A data set in one file: the images one after another, either encoded or already decoded and cropped, followed by an
 * index with the offset, checksum, identity and split of each. One open file serves all images, which avoids opening
 * many small files and, for decoded images, decoding.
 *
 * <p>The file consists of {@code FACEPACK}, the images, the index as JSON, and 24 bytes: the offset of the index (8),
 * its length (4) and CRC-32 (4), {@code FACEPACK}. Numbers are little-endian.
 */
public final class PackedFaces {
    private static final ObjectMapper JSON = new ObjectMapper();
    static final byte[] MAGIC = "FACEPACK".getBytes(StandardCharsets.US_ASCII);
    static final int MAX_DECODED_PX = 10_000;

    private static final long BYTES_PER_IMAGE = 48; // of the index, at most, without the name
    private static final long MAX_INDEX_BYTES = 1 << 30; // what PositionedFile can read at once

    private PackedFaces() {}

    /**
     * Writes the images of the parts of one data set (training, validation, test), without augmentation.
     *
     * @param out the file; an existing one is replaced atomically
     * @param parts at least one; they must have the same identities and crop
     * @param decodedPx 0 to pack encoded images, which is small; otherwise the side of the square crops that are packed
     *     as pixels, which is fast. Images that come from a pack of pixels stay such pixels: then 0 means their side,
     *     and no other side is possible
     * @param progress receives the number of images that are packed so far
     * @throws IllegalArgumentException when the parts do not belong together, or {@code decodedPx} is out of range or
     *     another than that of the packs that the images come from
     * @throws DataException when an image cannot be used or the file cannot be written; an existing file is then
     *     unchanged
     */
    public static void write(Path out, List<FaceDataset> parts, int decodedPx, IntConsumer progress) {
        write(out, parts, decodedPx, 1, progress);
    }

    /**
     * Writes the images into several files, which are easier to copy and to keep than one of hundreds of gigabytes:
     * {@code faces-1-of-4.pack} to {@code faces-4-of-4.pack} for {@code faces.pack}. Each has consecutive images of
     * every part. Opening one of them opens all.
     *
     * @param shards number of files, at least 1; 1 writes {@code out} itself
     * @return the files, in order
     * @throws IllegalArgumentException as {@link #write(Path, List, int, IntConsumer)}, when there are no shards, or
     *     when a file of several is one that the images come from
     * @throws DataException when an image cannot be used, a file cannot be written, or the index of one would be too
     *     large for readers, which is known before the first image is read
     */
    public static List<Path> write(Path out, List<FaceDataset> parts, int decodedPx, int shards, IntConsumer progress) {
        return write(out, parts, decodedPx, shards, MAX_INDEX_BYTES, progress);
    }

    static List<Path> write(
            Path out, List<FaceDataset> parts, int decodedPx, int shards, long maxIndexBytes, IntConsumer progress) {
        check(parts, decodedPx, shards);
        int sidePx = sidePx(parts, decodedPx);
        for (int shard = 0; shard < shards; shard++) {
            requireOther(file(out, shard, shards), parts);
        }
        checkIndexes(parts, shards, maxIndexBytes);
        List<Path> files = new ArrayList<>();
        String id = UUID.randomUUID().toString();
        int done = 0;
        for (int shard = 0; shard < shards; shard++) {
            Path file = file(out, shard, shards);
            int before = done;
            done += write(
                    file,
                    parts,
                    sidePx,
                    new Shard(shard, shards, id, maxIndexBytes),
                    now -> progress.accept(before + now));
            files.add(file);
        }
        return files;
    }

    /**
     * Deletes what {@link #write(Path, List, int, int, IntConsumer)} has not finished, for a shutdown hook: it may be
     * as large as the pack.
     */
    public static void deleteUnfinished(Path out, int shards) {
        for (int shard = 0; shard < shards; shard++) {
            AtomicFile.deleteUnfinished(file(out, shard, shards));
        }
    }

    /**
     * Which of the images of each part are in a file.
     *
     * @param id of all shards that were written together: an interrupted run leaves some of the run before
     */
    private record Shard(int index, int of, String id, long maxIndexBytes) {
        List<LabeledImage> images(FaceDataset part) {
            List<LabeledImage> all = part.images();
            return all.subList(start(all.size(), index), start(all.size(), index + 1));
        }

        private int start(int size, int shard) {
            return (int) ((long) size * shard / of);
        }
    }

    private static void check(List<FaceDataset> parts, int decodedPx, int shards) {
        if (shards < 1) {
            throw new IllegalArgumentException("shards must be at least 1, but was " + shards);
        }
        if (decodedPx < 0 || decodedPx > MAX_DECODED_PX) {
            throw new IllegalArgumentException(
                    "decodedPx must be 0 to " + MAX_DECODED_PX + " pixels, but was " + decodedPx);
        }
        FaceDataset first = parts.get(0);
        for (FaceDataset part : parts) {
            if (!part.identities().equals(first.identities()) || part.crop() != first.crop()) {
                throw new IllegalArgumentException("parts of a pack must have the same identities and crop");
            }
        }
    }

    private static Path file(Path out, int shard, int shards) {
        return shards == 1 ? out : PackIndex.shard(out, shard + 1, shards);
    }

    /** What a pack is made of must outlive it: cropped or reduced, it is not what was read. */
    private static void requireOther(Path file, List<FaceDataset> parts) {
        Set<Path> packs = new HashSet<>();
        for (FaceDataset part : parts) {
            for (LabeledImage image : part.images()) {
                Path pack = PackIndex.packOf(image.image());
                if (pack != null && packs.add(pack) && isSame(pack, file)) {
                    throw new IllegalArgumentException(
                            "a pack must be written to other files than those that the images"
                                    + " come from, but one is " + file + "; give another name");
                }
            }
        }
    }

    private static boolean isSame(Path pack, Path file) {
        try {
            return Files.exists(file) && Files.isSameFile(pack, file);
        } catch (IOException e) {
            throw new DataException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    /** Returns the side to pack: that of the images that are packed as pixels already, if there are any. */
    private static int sidePx(List<FaceDataset> parts, int decodedPx) {
        int sidePx = decodedPx;
        for (FaceDataset part : parts) {
            for (LabeledImage image : part.images()) {
                int packed = PackIndex.decodedPx(image.image());
                if (packed > 0 && sidePx > 0 && sidePx != packed) {
                    throw new IllegalArgumentException("decodedPx must be " + packed
                            + " (or 0), as these images were packed, but was " + sidePx
                            + "; to change it, pack the original images again");
                }
                sidePx = Math.max(sidePx, packed);
            }
        }
        return sidePx;
    }

    /** Rejects, before an image is read, what could not be opened: a reader has a pack's whole index in memory. */
    private static void checkIndexes(List<FaceDataset> parts, int shards, long maxIndexBytes) {
        long identities = parts.get(0).identities().stream()
                .mapToLong(name -> name.length() + 3L)
                .sum();
        long images = 0;
        for (FaceDataset part : parts) {
            for (LabeledImage image : part.images()) {
                images += BYTES_PER_IMAGE + image.image().name().length();
            }
        }
        if (identities + images / shards > maxIndexBytes) {
            throw tooLarge(maxIndexBytes, identities < maxIndexBytes ? images / (maxIndexBytes - identities) + 1 : 0);
        }
    }

    /** @param shards that would do; 0 if no number would */
    private static DataException tooLarge(long maxIndexBytes, long shards) {
        String rule = "the index of a pack must have at most " + (maxIndexBytes >> 20)
                + " MiB, but that of so many images and people has more; ";
        return new DataException(rule
                + (shards == 0 ? "use shorter names" : "divide it into at least " + shards + " files with --shards"));
    }

    private static int write(Path out, List<FaceDataset> parts, int decodedPx, Shard shard, IntConsumer progress) {
        int[] written = new int[1];
        try {
            AtomicFile.writeStream(out, stream -> {
                try (DataOutputStream file = new DataOutputStream(new BufferedOutputStream(stream, 1 << 20))) {
                    written[0] = write(file, parts, decodedPx, shard, progress);
                }
            });
        } catch (IOException e) {
            throw new DataException(AtomicFile.cannotWrite(out, e), e);
        }
        return written[0];
    }

    private static int write(
            DataOutputStream file, List<FaceDataset> parts, int decodedPx, Shard shard, IntConsumer progress)
            throws IOException {
        int done = 0;
        FaceDataset first = parts.get(0);
        file.write(MAGIC);
        long place = MAGIC.length;
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(index)) {
            json.writeStartObject();
            json.writeNumberField("version", 1);
            json.writeStringField("crop", first.crop().name());
            json.writeNumberField("decodedPx", decodedPx);
            if (shard.of > 1) {
                json.writeNumberField("shard", shard.index + 1);
                json.writeNumberField("shards", shard.of);
                json.writeStringField("pack", shard.id);
            }
            json.writeObjectField("identities", first.identities());
            json.writeArrayFieldStart("images"); // [place, bytes, checksum, label, part, name]
            for (FaceDataset part : parts) {
                for (LabeledImage image : shard.images(part)) {
                    byte[] bytes = bytes(image.image(), part.crop(), decodedPx);
                    file.write(bytes);
                    json.writeStartArray();
                    json.writeNumber(place);
                    json.writeNumber(bytes.length);
                    json.writeNumber(Checksum.of(bytes));
                    json.writeNumber(image.label());
                    json.writeNumber(part.split().ordinal());
                    json.writeString(image.image().name());
                    json.writeEndArray();
                    if (index.size() > shard.maxIndexBytes) { // its texts have more bytes than characters
                        throw tooLarge(shard.maxIndexBytes, 2L * shard.of);
                    }
                    place += bytes.length;
                    progress.accept(++done);
                }
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        byte[] bytes = index.toByteArray();
        file.write(bytes);
        file.writeLong(Long.reverseBytes(place));
        file.writeInt(Integer.reverseBytes(bytes.length));
        file.writeInt(Integer.reverseBytes((int) Checksum.of(bytes)));
        file.write(MAGIC);
        return done;
    }

    private static byte[] bytes(ImageSource image, Crop crop, int decodedPx) {
        boolean unchanged = decodedPx == 0 || PackIndex.decodedPx(image) > 0;
        return unchanged ? PackIndex.packedBytes(image) : cropped(image, crop, decodedPx);
    }

    private static byte[] cropped(ImageSource source, Crop crop, int sizePx) {
        try (Mat whole = source.read();
                Mat face = crop.apply(whole, sizePx, source.name())) {
            return ImageReader.pixels(face);
        }
    }

    static FaceDataset read(Path path, Split split) {
        return PackIndex.read(path, split);
    }
}
