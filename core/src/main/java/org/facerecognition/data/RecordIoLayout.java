package org.facerecognition.data;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Lists training sets of insightface in MXNet's RecordIO format: {@code train.rec} contains the images, each with a
 * header that holds its identity, and {@code train.idx} their offsets. Record 0 holds the number of records that are
 * images; the records behind those describe the identities and are not needed here.
 */
final class RecordIoLayout {
    private static final String RECORDS = "train.rec";
    private static final String INDEX = "train.idx";
    private static final int MAGIC = 0xced7230a;
    private static final int LENGTH_BITS = 29; // the upper 3 bits say whether a record is in parts
    private static final int HEADER_BYTES = 24; // flag, label, id, id2
    private static final int MAX_RECORD_BYTES = 256 << 20;

    private final MappedFile file;

    private RecordIoLayout(MappedFile file) {
        this.file = file;
    }

    static FaceDataset read(Path folder, Split split, SplitSettings settings) {
        RecordIoLayout layout = new RecordIoLayout(MappedFile.open(folder.resolve(RECORDS)));
        Map<Integer, Long> offsets = offsets(folder.resolve(INDEX));
        Map<Integer, List<RecordImage>> people = new TreeMap<>();
        int end = layout.endOfImages(offsets);
        offsets.forEach((key, offset) -> {
            if (key > 0 && key < end) {
                RecordImage image = new RecordImage(layout, key, offset);
                people.computeIfAbsent(layout.label(image), label -> new ArrayList<>())
                        .add(image);
            }
        });
        if (people.isEmpty()) {
            throw new DataException("data file " + folder.resolve(RECORDS) + " must have images, but has none");
        }
        PeopleParts parts = new PeopleParts(settings, split);
        people.forEach((label, images) -> parts.add(Integer.toString(label), label, images));
        return parts.dataset("data file " + folder.resolve(RECORDS), new PassedOver());
    }

    /** Reads lines {@code key offset}. */
    private static Map<Integer, Long> offsets(Path index) {
        Map<Integer, Long> offsets = new TreeMap<>();
        try (BufferedReader lines = Files.newBufferedReader(index)) {
            int number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                number++;
                String[] parts = line.trim().split("\\s+");
                try {
                    offsets.put(Integer.valueOf(parts[0]), Long.valueOf(parts[1]));
                } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                    throw new DataException(
                            index + ", line " + number + " must be \"key offset\", but was \"" + line + "\"", e);
                }
            }
        } catch (IOException e) {
            throw new DataException("data file " + index + " must exist and be readable: " + e, e);
        }
        return offsets;
    }

    /**
     * Returns the key behind the last image, from record 0, whose two labels are the ends of images and of identities;
     * without that record, all records are images.
     */
    private int endOfImages(Map<Integer, Long> offsets) {
        Long first = offsets.get(0);
        if (first == null) {
            return Integer.MAX_VALUE;
        }
        byte[] record = payload(first);
        return intAt(record, 0) > 0 ? (int) Float.intBitsToFloat(intAt(record, HEADER_BYTES)) : Integer.MAX_VALUE;
    }

    /** Returns the identity: a single label is in the header; of several labels, which follow it, it is the first. */
    private int label(RecordImage image) {
        long at = image.offset() + 2 * Integer.BYTES;
        boolean several = file.readInt(at) > 0;
        float label = Float.intBitsToFloat(file.readInt(several ? at + HEADER_BYTES : at + Integer.BYTES));
        if (!(label >= 0 && label == Math.rint(label))) {
            throw new DataException(
                    image.name() + " must have a whole number of at least 0 as its identity, but has " + label);
        }
        return (int) label;
    }

    /** Returns a record, joined from its parts: a record is split wherever its data contain the magic number. */
    private byte[] payload(long offset) {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        long at = offset;
        int part;
        do {
            if (file.readInt(at) != MAGIC) {
                throw new DataException("data file " + file.file() + " is damaged: there is no record at byte " + at
                        + "; use another copy");
            }
            int word = file.readInt(at + Integer.BYTES);
            part = word >>> LENGTH_BITS;
            int length = word & (1 << LENGTH_BITS) - 1;
            if ((long) whole.size() + length > MAX_RECORD_BYTES) {
                throw new DataException("data file " + file.file() + " is damaged: the record at byte " + offset
                        + " must have at most " + MAX_RECORD_BYTES + " bytes; use another copy");
            }
            if (part == 2 || part == 3) {
                whole.writeBytes(new byte[] {0x0a, 0x23, (byte) 0xd7, (byte) 0xce});
            }
            whole.writeBytes(file.read(at + 2 * Integer.BYTES, length));
            at += 2 * Integer.BYTES + (length + 3) / 4 * 4L;
        } while (part == 1 || part == 2);
        return whole.toByteArray();
    }

    private static int intAt(byte[] bytes, int at) {
        if (bytes.length < at + Integer.BYTES) {
            return 0;
        }
        return bytes[at] & 0xff | (bytes[at + 1] & 0xff) << 8 | (bytes[at + 2] & 0xff) << 16 | bytes[at + 3] << 24;
    }

    private record RecordImage(RecordIoLayout layout, int key, long offset) implements ImageSource {
        @Override
        public String name() {
            return layout.file.file() + " record " + key;
        }

        @Override
        public Mat read() {
            return ImageReader.decode(encoded(), name());
        }

        @Override
        public byte[] encoded() {
            byte[] record = layout.payload(offset);
            int from = HEADER_BYTES + Float.BYTES * Math.max(0, Math.min(intAt(record, 0), record.length));
            if (from >= record.length) {
                throw new DataException(name() + " is empty; use another copy");
            }
            return Arrays.copyOfRange(record, from, record.length);
        }
    }
}
