package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.vision.OpenCvThreads;
import org.jspecify.annotations.Nullable;

/**
 * The index of a pack, or of one of its shards, as far as one part of the data needs it. It is read in one pass, and of
 * each image a few numbers are kept: a name stays in the file until it is asked for.
 */
final class PackIndex {
    private static final JsonFactory JSON = new JsonFactory();
    static final int END_BYTES = 24;
    private static final Pattern SHARD_NAME = Pattern.compile("(.*)-\\d+-of-\\d+(\\.[^.]*)?");

    private final PositionedFile file;
    private final long begin; // of the index in the file
    private List<String> identities = new ArrayList<>();
    private String crop = "";
    private int decodedPx = -1;
    private int shard = 1;
    private int shards = 1;
    private String pack = ""; // the same in all shards; earlier versions wrote none
    private long[] places = {};
    private int[] lengths = {};
    private int[] checksums = {};
    private int[] labels = {};
    private int[] names = {}; // where the name begins in the index

    private PackIndex(PositionedFile file, long begin) {
        this.file = file;
        this.begin = begin;
    }

    /**
     * @throws DataException when a file is missing or damaged
     * @throws NoImagesException when there are no images of that split
     */
    static FaceDataset read(Path path, Split split) {
        PackIndex first = open(path, split);
        List<List<LabeledImage>> lists = new ArrayList<>();
        for (int shard = 1; shard <= first.shards; shard++) {
            lists.add((shard == first.shard ? first : first.sibling(shard, split)).images());
        }
        List<LabeledImage> images = ImageList.join(lists);
        if (images.isEmpty()) {
            throw new NoImagesException("pack " + path + " must have images of split " + split + ", but has none");
        }
        try {
            return FaceDataset.of(images, first.identities, split, Crop.valueOf(first.crop));
        } catch (IllegalArgumentException e) {
            throw new DataException(
                    "pack " + path + " was written by a newer version or is damaged: " + e.getMessage(), e);
        }
    }

    // ---- shards ----

    /** Returns the file of a shard, from 1: {@code faces-1-of-4.pack} for {@code faces.pack}. */
    static Path shard(Path pack, int shard, int shards) {
        String name = String.valueOf(pack.getFileName());
        int dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length();
        return pack.resolveSibling(String.format(
                Locale.ROOT, "%s-%d-of-%d%s", name.substring(0, dot), shard, shards, name.substring(dot)));
    }

    private PackIndex sibling(int number, Split split) {
        Path own = file.file();
        Matcher name = SHARD_NAME.matcher(String.valueOf(own.getFileName()));
        if (!name.matches()) {
            throw new DataException("pack " + own + " is shard " + shard + " of " + shards
                    + ", but its file was renamed; name it NAME-" + shard + "-of-" + shards + ".pack like the others");
        }
        String extension = name.group(2) == null ? "" : name.group(2);
        Path path = shard(own.resolveSibling(name.group(1) + extension), number, shards);
        if (!Files.exists(path)) {
            throw new DataException("pack " + own + " is shard " + shard + " of " + shards + ", but " + path
                    + " does not exist; copy all shards into one folder");
        }
        PackIndex other = open(path, split);
        if (other.shard != number
                || other.shards != shards
                || other.decodedPx != decodedPx
                || !other.crop.equals(crop)
                || !other.identities.equals(identities)) {
            throw new DataException(
                    "packs " + own + " and " + path + " must be shards of one pack, but are not; pack them again");
        }
        if (!other.pack.equals(pack)) {
            throw new DataException(
                    "packs " + own + " and " + path + " must have been written together, but one of them"
                            + " is left from an earlier run of the pack command; pack them again");
        }
        other.identities = identities; // one list in memory, not one for each shard
        return other;
    }

    // ---- reading ----

    private static PackIndex open(Path path, Split split) {
        PositionedFile file = PositionedFile.open(path);
        byte[] magic = PackedFaces.MAGIC;
        long end = file.size() - END_BYTES;
        boolean whole = end >= magic.length
                && Arrays.equals(file.read(0, magic.length), magic)
                && Arrays.equals(file.read(file.size() - magic.length, magic.length), magic);
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
        PackIndex index = new PackIndex(file, begin);
        try (JsonParser json = JSON.createParser(bytes)) {
            index.parse(json, split.ordinal());
        } catch (IOException | IllegalStateException e) {
            throw damaged(file);
        }
        boolean usable = index.decodedPx >= 0
                && index.decodedPx <= PackedFaces.MAX_DECODED_PX
                && index.shard >= 1
                && index.shard <= index.shards
                && Arrays.stream(index.labels).allMatch(label -> label >= 0 && label < index.identities.size());
        if (!usable) {
            throw damaged(file);
        }
        return index;
    }

    private void parse(JsonParser json, int split) throws IOException {
        expect(json.nextToken() == JsonToken.START_OBJECT);
        while (json.nextToken() != JsonToken.END_OBJECT) {
            expect(json.currentToken() == JsonToken.FIELD_NAME);
            String field = json.currentName();
            json.nextToken();
            switch (field) {
                case "crop", "framing" -> crop = json.getText(); // framing in earlier versions
                case "decodedPx" -> decodedPx = json.getIntValue();
                case "shard" -> shard = json.getIntValue();
                case "shards" -> shards = json.getIntValue();
                case "pack" -> pack = json.getText();
                case "identities" -> {
                    expect(json.currentToken() == JsonToken.START_ARRAY);
                    while (json.nextToken() != JsonToken.END_ARRAY) {
                        expect(json.currentToken() == JsonToken.VALUE_STRING);
                        identities.add(json.getText());
                    }
                }
                case "images" -> parseImages(json, split);
                default -> json.skipChildren();
            }
        }
    }

    /** Of images [place, bytes, checksum, label, part, name]. */
    private void parseImages(JsonParser json, int split) throws IOException {
        LongStream.Builder allPlaces = LongStream.builder();
        IntStream.Builder allLengths = IntStream.builder();
        IntStream.Builder allChecksums = IntStream.builder();
        IntStream.Builder allLabels = IntStream.builder();
        IntStream.Builder allNames = IntStream.builder();
        expect(json.currentToken() == JsonToken.START_ARRAY);
        while (json.nextToken() == JsonToken.START_ARRAY) {
            long place = json.nextLongValue(-1);
            int length = json.nextIntValue(-1);
            long checksum = json.nextLongValue(-1);
            int label = json.nextIntValue(-1);
            boolean chosen = json.nextIntValue(-1) == split;
            expect(json.nextToken() == JsonToken.VALUE_STRING);
            if (chosen) {
                allPlaces.add(place);
                allLengths.add(length);
                allChecksums.add((int) checksum);
                allLabels.add(label);
                allNames.add(Math.toIntExact(json.currentTokenLocation().getByteOffset()));
            }
            expect(json.nextToken() == JsonToken.END_ARRAY);
        }
        expect(json.currentToken() == JsonToken.END_ARRAY);
        places = allPlaces.build().toArray();
        lengths = allLengths.build().toArray();
        checksums = allChecksums.build().toArray();
        labels = allLabels.build().toArray();
        names = allNames.build().toArray();
    }

    private static void expect(boolean condition) {
        if (!condition) {
            throw new IllegalStateException("another token was expected");
        }
    }

    private static DataException damaged(PositionedFile file) {
        return new DataException(
                "the index of pack " + file.file() + " is damaged; create it again with the pack command");
    }

    // ---- images ----

    /** Returns the side of an image that was packed as pixels, 0 for every other. */
    static int decodedPx(ImageSource image) {
        return image instanceof Packed packed ? packed.croppedPx() : 0;
    }

    /** Returns the pack, or the file of records, that an image is in; null for every other image. */
    static @Nullable Path packOf(ImageSource image) {
        if (image instanceof CroppedFace face) {
            return packOf(face.whole());
        }
        if (image instanceof RecordIoLayout.RecordImage ofRecord) {
            return ofRecord.records();
        }
        return image instanceof Packed packed ? packed.pack() : null;
    }

    /** Returns an image's bytes as the pack holds them, for another pack. */
    static byte[] packedBytes(ImageSource image) {
        return image instanceof Packed packed ? packed.bytes() : image.encoded();
    }

    private ImageList images() {
        return new ImageList(places.length, i -> new LabeledImage(new Packed(i), labels[i]));
    }

    private final class Packed implements ImageSource {
        private static final int MAX_SHORT_NAME = 512; // bytes; longer ones are read in another step

        private final int image;

        Packed(int image) {
            this.image = image;
        }

        @Override
        public String name() {
            long at = begin + names[image];
            long end = file.size() - END_BYTES;
            for (int length = MAX_SHORT_NAME; ; length *= 2) {
                byte[] bytes = file.read(at, (int) Math.min(length, end - at));
                try (JsonParser json = JSON.createParser(bytes)) {
                    json.nextToken();
                    return json.getText();
                } catch (IOException e) { // not all of it, or damaged since the pack was opened
                    if (length >= end - at) {
                        throw damaged(file);
                    }
                }
            }
        }

        @Override
        public long contentBytes() {
            return lengths[image];
        }

        @Override
        public long contentChecksum() {
            return Integer.toUnsignedLong(checksums[image]);
        }

        @Override
        public int croppedPx() {
            return decodedPx;
        }

        @Override
        public byte[] encoded() {
            return decodedPx == 0 ? bytes() : ImageSource.super.encoded();
        }

        Path pack() {
            return file.file();
        }

        byte[] bytes() {
            byte[] bytes = file.read(places[image], lengths[image]);
            if (Checksum.of(bytes) != contentChecksum()) {
                throw new DataException("image " + name() + " in pack " + file.file()
                        + " is damaged: its checksum differs; create the pack again");
            }
            return bytes;
        }

        @Override
        public Reduced readReduced(int minPx) {
            return decodedPx == 0
                    ? ImageReader.decodeReduced(bytes(), minPx, name())
                    : ImageSource.super.readReduced(minPx);
        }

        @Override
        public Mat read() {
            OpenCvThreads.bound();
            byte[] bytes = bytes();
            if (decodedPx == 0) {
                return ImageReader.decode(bytes, name());
            }
            if (bytes.length != 3L * decodedPx * decodedPx) {
                throw damaged(file);
            }
            Mat pixels = new Mat(decodedPx, decodedPx, CV_8UC3);
            try (BytePointer memory = pixels.data()) {
                memory.put(bytes, 0, bytes.length);
            }
            return pixels;
        }
    }
}
