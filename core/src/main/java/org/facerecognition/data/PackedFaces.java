package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.NativeLibraries;

/**
 * A data set in one file: the images one after another, either encoded or already decoded and cropped, followed by an
 * index with the offset, checksum, identity and split of each. It is read through a memory map, which avoids opening
 * many small files and, for decoded images, decoding.
 *
 * <p>The file consists of {@code FACEPACK}, the images, the index as JSON, and 24 bytes: the offset of the index (8),
 * its length (4) and CRC-32 (4), {@code FACEPACK}. Numbers are little-endian.
 */
public final class PackedFaces {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final byte[] MAGIC = "FACEPACK".getBytes(StandardCharsets.US_ASCII);
    private static final int END_BYTES = 24;
    private static final int MAX_DECODED_PX = 10_000;

    private PackedFaces() {}

    /**
     * Writes the images of the parts of one data set (training, validation, test), without augmentation.
     *
     * @param out the file; an existing one is replaced atomically
     * @param parts at least one; they must have the same identities and crop
     * @param decodedPx 0 to pack encoded images, which is small; otherwise the side of the square crops that are packed
     *     as pixels, which is fast
     * @param progress receives the number of images that are packed so far
     * @throws IllegalArgumentException when the parts do not belong together, or {@code decodedPx} is out of range
     * @throws DataException when an image cannot be used or the file cannot be written; an existing file is then
     *     unchanged
     */
    public static void write(Path out, List<FaceDataset> parts, int decodedPx, IntConsumer progress) {
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
        try {
            AtomicFile.writeStream(out, stream -> {
                try (DataOutputStream file = new DataOutputStream(new BufferedOutputStream(stream, 1 << 20))) {
                    write(file, parts, decodedPx, progress);
                }
            });
        } catch (IOException e) {
            throw new DataException(AtomicFile.cannotWrite(out, e), e);
        }
    }

    private static void write(DataOutputStream file, List<FaceDataset> parts, int decodedPx, IntConsumer progress)
            throws IOException {
        FaceDataset first = parts.get(0);
        file.write(MAGIC);
        long place = MAGIC.length;
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(index)) {
            json.writeStartObject();
            json.writeNumberField("version", 1);
            json.writeStringField("crop", first.crop().name());
            json.writeNumberField("decodedPx", decodedPx);
            json.writeObjectField("identities", first.identities());
            json.writeArrayFieldStart("images"); // [place, bytes, checksum, label, part, name]
            int done = 0;
            for (FaceDataset part : parts) {
                for (LabeledImage image : part.images()) {
                    byte[] bytes =
                            decodedPx == 0 ? image.image().encoded() : cropped(image.image(), part.crop(), decodedPx);
                    file.write(bytes);
                    json.writeStartArray();
                    json.writeNumber(place);
                    json.writeNumber(bytes.length);
                    json.writeNumber(Checksum.of(bytes));
                    json.writeNumber(image.label());
                    json.writeNumber(part.split().ordinal());
                    json.writeString(image.image().name());
                    json.writeEndArray();
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
    }

    private static byte[] cropped(ImageSource source, Crop crop, int sizePx) {
        try (Mat whole = source.read();
                Mat face = crop.apply(whole, sizePx, source.name())) {
            return ImageReader.pixels(face);
        }
    }

    static FaceDataset read(Path path, Split split) {
        MappedFile file = MappedFile.open(path);
        JsonNode index = index(file);
        try {
            Crop crop = Crop.valueOf(
                    index.path(index.has("crop") ? "crop" : "framing").asText());
            int decodedPx = index.path("decodedPx").asInt(-1);
            if (decodedPx < 0 || decodedPx > MAX_DECODED_PX) {
                throw damaged(file);
            }
            List<String> identities = new ArrayList<>();
            index.path("identities").forEach(name -> identities.add(name.asText()));
            List<LabeledImage> images = new ArrayList<>();
            for (JsonNode entry : index.path("images")) {
                int label = entry.path(3).asInt(-1);
                if (label < 0 || label >= identities.size()) {
                    throw damaged(file);
                }
                if (entry.path(4).asInt(-1) == split.ordinal()) {
                    Packed image = new Packed(
                            file,
                            entry.path(5).asText(),
                            entry.path(0).asLong(-1),
                            entry.path(1).asInt(-1),
                            entry.path(2).asLong(-1),
                            decodedPx);
                    images.add(new LabeledImage(image, label));
                }
            }
            if (images.isEmpty()) {
                throw new DataException("pack " + path + " must have images of split " + split + ", but has none");
            }
            return FaceDataset.of(images, identities, split, crop);
        } catch (IllegalArgumentException e) {
            throw new DataException(
                    "pack " + path + " was written by a newer version or is damaged: " + e.getMessage(), e);
        }
    }

    private static JsonNode index(MappedFile file) {
        long end = file.size() - END_BYTES;
        boolean whole = end >= MAGIC.length
                && Arrays.equals(file.read(0, MAGIC.length), MAGIC)
                && Arrays.equals(file.read(file.size() - MAGIC.length, MAGIC.length), MAGIC);
        if (!whole) {
            throw new DataException(file.file() + " is truncated or not a pack; create it again with the pack command");
        }
        long begin = file.readLong(end);
        int length = file.readInt(end + Long.BYTES);
        if (begin != end - length || length < 0) {
            throw damaged(file);
        }
        byte[] bytes = file.read(begin, length);
        if ((int) Checksum.of(bytes) != file.readInt(end + Long.BYTES + Integer.BYTES)) {
            throw damaged(file);
        }
        try {
            return JSON.readTree(bytes);
        } catch (JsonProcessingException e) {
            throw damaged(file);
        } catch (IOException e) {
            throw new DataException(file.file() + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static DataException damaged(MappedFile file) {
        return new DataException(
                "the index of pack " + file.file() + " is damaged; create it again with the pack command");
    }

    private record Packed(MappedFile file, String name, long place, int length, long checksum, int croppedPx)
            implements ImageSource {
        @Override
        public long contentBytes() {
            return length;
        }

        @Override
        public long contentChecksum() {
            return checksum;
        }

        @Override
        public byte[] encoded() {
            byte[] bytes = file.read(place, length);
            if (Checksum.of(bytes) != checksum) {
                throw new DataException("image " + name + " in pack " + file.file()
                        + " is damaged: its checksum differs; create the pack again");
            }
            return bytes;
        }

        @Override
        public Mat read() {
            NativeLibraries.load(opencv_core.class, "OpenCV");
            byte[] bytes = encoded();
            if (croppedPx == 0) {
                return ImageReader.decode(bytes, name);
            }
            if (bytes.length != 3L * croppedPx * croppedPx) {
                throw damaged(file);
            }
            Mat image = new Mat(croppedPx, croppedPx, CV_8UC3);
            try (BytePointer pixels = image.data()) {
                pixels.put(bytes, 0, bytes.length);
            }
            return image;
        }
    }
}
