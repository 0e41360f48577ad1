package org.facerecognition.data;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.AtomicFile;

/**
 * Lists training sets of insightface in MXNet's RecordIO format: {@code train.rec} contains the images, each with a
 * header that holds its identity, and {@code train.idx} their offsets. Record 0 has no content and holds the number of
 * records that are images; the records behind those describe the identities and are not needed here.
 */
final class RecordIoLayout {
    private static final String RECORDS = "train.rec";
    private static final String INDEX = "train.idx";
    private static final String BYTE_ORDER_MARK = "\ufeff"; // which Windows' editors write
    private static final int MAGIC = 0xced7230a;
    private static final int LENGTH_BITS = 29; // the upper 3 bits say whether a record is in parts
    private static final int EXACT_FLOATS = 1 << 24; // up to which each whole number is a float32
    private static final int HEADER_BYTES = 24; // flag, label, id, id2
    private static final float LIMIT = 0x1p31f; // of numbers in labels
    private static final int MAX_RECORD_BYTES = 256 << 20;

    private final PositionedFile file;
    private final int[] keys; // ascending
    private final long[] offsets; // of the records of these keys

    private RecordIoLayout(PositionedFile file, int[] keys, long[] offsets) {
        this.file = file;
        this.keys = keys;
        this.offsets = offsets;
    }

    /*
     * Sets of tens of millions of images are usual: of each, this keeps key and offset, and of the chosen ones place
     * and label, in arrays.
     */
    static FaceDataset read(Path folder, Split split, SplitSettings settings) {
        RecordIoLayout layout = open(PositionedFile.open(folder.resolve(RECORDS)), folder.resolve(INDEX));
        PassedOver passedOver = new PassedOver();
        long[] byPerson = layout.imagesByPerson(passedOver);
        if (byPerson.length == 0) {
            throw new DataException("data file " + folder.resolve(RECORDS) + " must have images, but has none");
        }
        PeopleParts parts = new PeopleParts(settings, split, layout.new Chosen());
        for (int from = 0, to; from < byPerson.length; from = to) {
            int label = upper(byPerson[from]);
            to = from + 1;
            while (to < byPerson.length && upper(byPerson[to]) == label) {
                to++;
            }
            List<RecordImage> images = Arrays.stream(byPerson, from, to)
                    .mapToObj(image -> layout.new RecordImage((int) image))
                    .toList();
            parts.add(Integer.toString(label), label, images);
        }
        return parts.dataset("data file " + folder.resolve(RECORDS), passedOver);
    }

    /** Reads lines {@code key offset}; blank ones are skipped. */
    private static RecordIoLayout open(PositionedFile file, Path index) {
        IntStream.Builder keys = IntStream.builder();
        LongStream.Builder offsets = LongStream.builder();
        boolean ascending = true;
        long last = Long.MIN_VALUE;
        try (BufferedReader lines = Files.newBufferedReader(index)) {
            int number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                number++;
                String text = number == 1 && line.startsWith(BYTE_ORDER_MARK) ? line.substring(1) : line;
                if (text.isBlank()) {
                    continue;
                }
                String[] parts = text.trim().split("\\s+");
                try {
                    int key = Integer.parseInt(parts[0]);
                    offsets.add(Long.parseLong(parts[1]));
                    keys.add(key);
                    ascending &= key > last;
                    last = key;
                } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                    throw new DataException(
                            index + ", line " + number + " must be \"key offset\", but was \"" + line + "\"", e);
                }
            }
        } catch (IOException e) {
            throw new DataException("data file " + index + " must exist and be readable: " + AtomicFile.reason(e), e);
        }
        int[] allKeys = keys.build().toArray();
        if (allKeys.length == 0) {
            throw new DataException("data file " + index
                    + " is empty: it must have a line \"key offset\" for each record; use another copy");
        }
        long[] allOffsets = offsets.build().toArray();
        return ascending ? new RecordIoLayout(file, allKeys, allOffsets) : sorted(file, allKeys, allOffsets);
    }

    /** The last line of a key counts. */
    private static RecordIoLayout sorted(PositionedFile file, int[] keys, long[] offsets) {
        long[] byKey = new long[keys.length]; // key and line, in the upper and the lower half
        Arrays.setAll(byKey, line -> (long) keys[line] << Integer.SIZE | line);
        Arrays.sort(byKey);
        int[] lines = IntStream.range(0, byKey.length)
                .filter(i -> i == byKey.length - 1 || upper(byKey[i]) != upper(byKey[i + 1]))
                .map(i -> (int) byKey[i])
                .toArray();
        return new RecordIoLayout(
                file,
                IntStream.of(lines).map(line -> keys[line]).toArray(),
                IntStream.of(lines).mapToLong(line -> offsets[line]).toArray());
    }

    /** Returns label and place of each image, in the upper and the lower half of a number, ascending. */
    private long[] imagesByPerson(PassedOver passedOver) {
        int end = endOfImages();
        // the end is a float32: beyond 2^24 it can be rounded, and records around it are looked at
        int rounding = end >= EXACT_FLOATS && end < Integer.MAX_VALUE ? (int) Math.ulp((float) end) : 0;
        if (end < Integer.MAX_VALUE) {
            compareWithIndex(end - rounding, passedOver);
        }
        long[] images = IntStream.range(0, keys.length)
                .filter(place -> keys[place] > 0 || end == Integer.MAX_VALUE && keys[place] == 0)
                .filter(place ->
                        keys[place] < end - rounding || keys[place] < (long) end + rounding && hasImage(offsets[place]))
                .mapToLong(place -> (long) readLabel(place) << Integer.SIZE | place)
                .toArray();
        Arrays.sort(images);
        return images;
    }

    /** The images have all keys from 1. Where a line inside is missing, somebody may have taken out an image. */
    private void compareWithIndex(int end, PassedOver passedOver) {
        int last = keys[keys.length - 1];
        if (last < end - 1) {
            throw new DataException("data file " + index() + " is truncated: it ends at record " + last + ", but "
                    + file.file() + " has images up to record " + (end - 1) + "; use another copy");
        }
        long named = IntStream.of(keys).filter(key -> key > 0 && key < end).count();
        passedOver.addNotInIndex((int) Math.max(0, end - 1 - named));
    }

    private static int upper(long number) {
        return (int) (number >> Integer.SIZE);
    }

    /**
     * Returns the key behind the last image, from record 0, whose two labels are the ends of images and of identities;
     * where that record is an image, or there is none, all records are images.
     */
    private int endOfImages() {
        int first = Arrays.binarySearch(keys, 0);
        if (first < 0) {
            return Integer.MAX_VALUE;
        }
        byte[] record = payload(offsets[first]);
        if (intAt(record, 0) <= 0 || hasImage(record)) {
            return Integer.MAX_VALUE;
        }
        float end = Float.intBitsToFloat(intAt(record, HEADER_BYTES));
        if (!(end >= 0 && end < LIMIT)) {
            throw new DataException(nameWithFolder(first)
                    + " must have the number of images as its first label, but has " + end + "; use another copy");
        }
        return (int) end;
    }

    private boolean hasImage(long offset) {
        return hasImage(payload(offset));
    }

    /** Returns whether a record has more than its labels. That of an identity has only the ends of its images. */
    private static boolean hasImage(byte[] record) {
        return record.length > HEADER_BYTES + (long) Float.BYTES * Math.max(0, intAt(record, 0));
    }

    /** Returns the identity: a single label is in the header; of several labels, which follow it, it is the first. */
    private int readLabel(int place) {
        long at = offsets[place];
        byte[] start = file.read(at, 4 * Integer.BYTES); // magic number, length, flag, label
        if (intAt(start, 0) != MAGIC || intAt(start, Integer.BYTES) >>> LENGTH_BITS > 1) {
            throw noRecord(at);
        }
        boolean several = intAt(start, 2 * Integer.BYTES) > 0;
        float label = Float.intBitsToFloat(
                several ? file.readInt(at + 2 * Integer.BYTES + HEADER_BYTES) : intAt(start, 3 * Integer.BYTES));
        if (!(label >= 0 && label < LIMIT && label == Math.rint(label))) {
            throw new DataException(nameWithFolder(place)
                    + " must have a whole number of at least 0 and below 2^31 as its identity, but has " + label);
        }
        return (int) label;
    }

    private DataException noRecord(long at) {
        return new DataException("data file " + file.file() + " has no record at byte " + at + ", to which " + index()
                + " leads: one of them is damaged or incomplete, or they do not belong together;"
                + " use another copy of both");
    }

    private Path index() {
        return file.file().resolveSibling(INDEX);
    }

    /** Without the folder: a training whose data were moved, or are somewhere else on another machine, goes on. */
    private String name(int place) {
        return RECORDS + " record " + keys[place];
    }

    private String nameWithFolder(int place) {
        return file.file() + " record " + keys[place];
    }

    /** Returns a record, joined from its parts: a record is split wherever its data contain the magic number. */
    private byte[] payload(long offset) {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        long at = offset;
        int part;
        do {
            if (file.readInt(at) != MAGIC) {
                throw noRecord(at);
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

    /** The chosen images, without an object for each. */
    private final class Chosen implements PeopleParts.Chosen {
        private final IntStream.Builder places = IntStream.builder();
        private final IntStream.Builder labels = IntStream.builder();

        @Override
        public void add(ImageSource image, int label) {
            places.add(((RecordImage) image).place);
            labels.add(label);
        }

        @Override
        public List<LabeledImage> images() {
            int[] allPlaces = places.build().toArray();
            int[] allLabels = labels.build().toArray();
            return new ImageList(allPlaces.length, i -> new LabeledImage(new RecordImage(allPlaces[i]), allLabels[i]));
        }
    }

    /** An image in a record. */
    final class RecordImage implements ImageSource, NamedByFolder {
        private final int place;

        RecordImage(int place) {
            this.place = place;
        }

        /** Returns the file that the record is in. */
        Path records() {
            return file.file();
        }

        @Override
        public String name() {
            return RecordIoLayout.this.name(place);
        }

        @Override
        public String nameWithFolder() {
            return RecordIoLayout.this.nameWithFolder(place);
        }

        @Override
        public Mat read() {
            return ImageReader.decode(encoded(), nameWithFolder());
        }

        @Override
        public Reduced readReduced(int minPx) {
            return ImageReader.decodeReduced(encoded(), minPx, nameWithFolder());
        }

        @Override
        public byte[] encoded() {
            byte[] record = payload(offsets[place]);
            int from = HEADER_BYTES + Float.BYTES * Math.max(0, Math.min(intAt(record, 0), record.length));
            if (from >= record.length) {
                throw new DataException(nameWithFolder() + " is empty; use another copy");
            }
            return Arrays.copyOfRange(record, from, record.length);
        }
    }
}
