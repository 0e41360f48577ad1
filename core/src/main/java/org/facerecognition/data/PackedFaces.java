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
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.AtomicFiles;
import org.jspecify.annotations.Nullable;

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
    private static final int INDEX_START_BYTES = 256; // in front of its lists, and behind

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
     * @throws IllegalArgumentException when the parts do not belong together, {@code decodedPx} is out of range or
     *     another than that of the packs that the images come from, or a file to write is one that they come from
     * @throws DataException when an image cannot be read, or cannot be decoded for pixels; when the file cannot be
     *     written; or when its index would be too large for readers, which is mostly known before the first image is
     *     read. An existing file is then unchanged. Encoded images are packed without decoding them, so that a damaged
     *     one is found only when the pack is used
     */
    public static void write(Path out, List<FaceDataset> parts, int decodedPx, IntConsumer progress) {
        write(out, parts, decodedPx, 1, progress);
    }

    /**
     * Writes the images into several files, which are easier to copy and to keep than one of hundreds of gigabytes:
     * {@code faces-1-of-4.pack} to {@code faces-4-of-4.pack} for {@code faces.pack}. Each has consecutive images of
     * every part. Opening one of them opens all. They replace existing files when all of them are complete, so that the
     * disk needs room for both.
     *
     * @param shards number of files, 1 to the number of images; 1 writes {@code out} itself
     * @return the files, in order
     * @throws IllegalArgumentException as {@link #write(Path, List, int, IntConsumer)}, or when the number of shards is
     *     out of range
     * @throws DataException as {@link #write(Path, List, int, IntConsumer)}. Existing files are then unchanged, unless
     *     some but not all could be replaced, as the message says
     */
    public static List<Path> write(Path out, List<FaceDataset> parts, int decodedPx, int shards, IntConsumer progress) {
        return write(out, parts, decodedPx, shards, PositionedFile.maxBytes(), progress);
    }

    static List<Path> write(
            Path out, List<FaceDataset> parts, int decodedPx, int shards, long maxIndexBytes, IntConsumer progress) {
        check(parts, decodedPx, shards);
        int sidePx = sidePx(parts, decodedPx);
        List<Path> files = IntStream.range(0, shards)
                .mapToObj(shard -> file(out, shard, shards))
                .toList();
        requireOther(files, parts);
        Pack pack =
                new Pack(UUID.randomUUID().toString(), shards, indexBytes(parts, shards, maxIndexBytes), maxIndexBytes);
        if (shards == 1) {
            write(AtomicFile::writeStream, files, parts, sidePx, pack, progress);
            return files;
        }
        try (AtomicFiles together = new AtomicFiles()) {
            write(together::write, files, parts, sidePx, pack, progress);
            together.replaceAll();
        } catch (IOException e) {
            throw new DataException(
                    "cannot write the files of pack " + out + ": " + AtomicFile.reason(e)
                            + "; remove the obstacle and pack again",
                    e);
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
     * What is written together.
     *
     * @param id of all shards: some can be left from a run before
     * @param indexBytes about the size of the index of each
     */
    private record Pack(String id, int shards, int indexBytes, long maxIndexBytes) {
        List<LabeledImage> images(FaceDataset part, int shard) {
            List<LabeledImage> all = part.images();
            return all.subList(start(all.size(), shard), start(all.size(), shard + 1));
        }

        private int start(int size, int shard) {
            return (int) ((long) size * shard / shards);
        }
    }

    private interface Output {
        void write(Path file, AtomicFile.StreamWriter writer) throws IOException;
    }

    private static void check(List<FaceDataset> parts, int decodedPx, int shards) {
        if (shards < 1) {
            throw new IllegalArgumentException("shards must be at least 1, but was " + shards);
        }
        long images = parts.stream().mapToLong(part -> part.images().size()).sum();
        if (shards > 1 && shards > images) {
            throw new IllegalArgumentException(
                    "shards must be at most " + images + ", the number of images, but was " + shards);
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
    private static void requireOther(List<Path> files, List<FaceDataset> parts) {
        List<Path> replaced = files.stream().filter(Files::exists).toList();
        Set<String> names = replaced.stream()
                .map(file -> String.valueOf(file.getFileName()))
                .collect(Collectors.toSet());
        Set<Path> read = new HashSet<>();
        for (FaceDataset part : parts) {
            for (LabeledImage image : part.images()) {
                Path file = fileOf(image.image(), names);
                if (file != null) {
                    read.add(file);
                }
            }
        }
        for (Path file : replaced) {
            if (read.stream().anyMatch(other -> isSame(other, file))) {
                throw new IllegalArgumentException("a pack must be written to other files than those that the images"
                        + " come from, but one is " + file + "; give another name");
            }
        }
    }

    /** Returns the file of many images, or that of an image which has one of the names. */
    private static @Nullable Path fileOf(ImageSource image, Set<String> names) {
        ImageSource whole = image instanceof CroppedFace face ? face.whole() : image;
        if (whole instanceof FileImage file) {
            return names.contains(file.fileName()) ? file.file() : null;
        }
        return PackIndex.packOf(whole);
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

    /**
     * Returns about how large the index of a shard will be. Rejects, before an image is read, what could not be opened:
     * a reader has a file's whole index in memory.
     */
    private static int indexBytes(List<FaceDataset> parts, int shards, long maxIndexBytes) {
        long identities = parts.get(0).identities().stream()
                .mapToLong(name -> name.length() + 3L)
                .sum();
        long images = 0;
        for (FaceDataset part : parts) {
            for (LabeledImage image : part.images()) {
                images += BYTES_PER_IMAGE + image.image().name().length();
            }
        }
        long bytes = identities + images / shards;
        if (bytes > maxIndexBytes) {
            throw tooLarge(maxIndexBytes, identities < maxIndexBytes ? images / (maxIndexBytes - identities) + 1 : 0);
        }
        return (int) bytes;
    }

    /** @param shards that would do; 0 if no number would */
    private static DataException tooLarge(long maxIndexBytes, long shards) {
        String rule = "the index of a pack must have at most " + (maxIndexBytes >> 20) + " MiB (half of Java's memory,"
                + " up to 1 GiB), but that of so many images and people has more; ";
        return new DataException(rule
                + (shards == 0
                        ? "use shorter names, or give Java more memory (-Xmx)"
                        : "divide it into at least " + shards + " files with --shards"));
    }

    private static void write(
            Output output, List<Path> files, List<FaceDataset> parts, int decodedPx, Pack pack, IntConsumer progress) {
        int[] done = new int[1];
        for (int i = 0; i < files.size(); i++) {
            int shard = i;
            try {
                output.write(files.get(shard), stream -> {
                    try (DataOutputStream file = new DataOutputStream(new BufferedOutputStream(stream, 1 << 20))) {
                        write(file, parts, decodedPx, pack, shard, () -> progress.accept(++done[0]));
                    }
                });
            } catch (IOException e) {
                throw new DataException(AtomicFile.cannotWrite(files.get(shard), e), e);
            }
        }
    }

    private static void write(
            DataOutputStream file, List<FaceDataset> parts, int decodedPx, Pack pack, int shard, Runnable onImage)
            throws IOException {
        FaceDataset first = parts.get(0);
        file.write(MAGIC);
        long place = MAGIC.length;
        // it grows by doubling, for which the heap may have no room after hours
        ByteArrayOutputStream index = new ByteArrayOutputStream(pack.indexBytes + INDEX_START_BYTES);
        CheckedOutputStream checked = new CheckedOutputStream(index, new CRC32());
        try (JsonGenerator json = JSON.createGenerator(checked)) {
            json.writeStartObject();
            json.writeNumberField("version", 1);
            json.writeStringField("crop", first.crop().name());
            json.writeNumberField("decodedPx", decodedPx);
            if (pack.shards > 1) {
                json.writeNumberField("shard", shard + 1);
                json.writeNumberField("shards", pack.shards);
                json.writeStringField("pack", pack.id);
            }
            json.writeObjectField("identities", first.identities());
            json.writeArrayFieldStart("images"); // [place, bytes, checksum, label, part, name]
            for (FaceDataset part : parts) {
                for (LabeledImage image : pack.images(part, shard)) {
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
                    if (index.size() > pack.maxIndexBytes) { // its texts have more bytes than characters
                        throw tooLarge(pack.maxIndexBytes, 2L * pack.shards);
                    }
                    place += bytes.length;
                    onImage.run();
                }
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        index.writeTo(file);
        file.writeLong(Long.reverseBytes(place));
        file.writeInt(Integer.reverseBytes(index.size()));
        file.writeInt(Integer.reverseBytes((int) checked.getChecksum().getValue()));
        file.write(MAGIC);
    }

    private static byte[] bytes(ImageSource image, Crop crop, int decodedPx) {
        boolean unchanged = decodedPx == 0 || PackIndex.decodedPx(image) > 0;
        return unchanged ? PackIndex.packedBytes(image) : cropped(image, crop, decodedPx);
    }

    private static byte[] cropped(ImageSource source, Crop crop, int sizePx) {
        try (Mat face = FaceCropper.withoutDetector(crop, sizePx).crop(source)) {
            return ImageReader.pixels(face);
        }
    }

    static FaceDataset read(Path path, Split split) {
        return PackIndex.read(path, split);
    }
}
