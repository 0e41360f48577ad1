package org.facerecognition.data;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/**
 * Pairs of faces for verification: genuine pairs show the same person, impostor pairs two different people.
 *
 * @param pairs in the order of their file
 */
public record FacePairs(List<Pair> pairs) {
    private static final int MAX_BIN_BYTES = Integer.MAX_VALUE - 8; // of an array

    /**
     * Two faces.
     *
     * @param same whether the pair is genuine
     */
    public record Pair(ImageSource first, ImageSource second, boolean same) {}

    public FacePairs {
        pairs = List.copyOf(pairs);
    }

    /**
     * Reads LFW's lists: {@code pairs.txt}, {@code pairsDevTrain.txt}, {@code pairsDevTest.txt}. Lines {@code name n m}
     * are genuine pairs, lines {@code name n other m} impostor pairs; a first line with the number of pairs is
     * optional, and checked when present. The images are {@code folder/name/name_0001.jpg} or {@code .png}.
     *
     * @throws DataException when the list or an image is missing, or a line is malformed, is of an image with itself,
     *     or has four words and one name
     */
    public static FacePairs lfw(Path list, Path images) {
        return PairLists.lfw(list, images);
    }

    /**
     * Returns the number of sets that an LFW list consists of, one after another, as its first line says: 10 in {@code
     * pairs.txt}, 1 in lists that name the number of pairs only, or nothing.
     *
     * @throws DataException when the list is missing
     */
    public static int lfwSets(Path list) {
        return PairLists.lfwSets(list);
    }

    /**
     * Reads lines {@code image<TAB>image<TAB>1}, with 1 for genuine and 0 for impostor pairs. Empty lines are skipped,
     * and those that begin with {@code #}, unless they are a pair whose first image exists under that name. Names are
     * compared as normalized paths.
     *
     * @param images folder that the names are relative to
     * @throws DataException when the list or an image is missing, or a line is malformed, is of an image with itself,
     *     or contradicts another
     */
    public static FacePairs list(Path list, Path images) {
        return PairLists.list(list, images);
    }

    /**
     * The images of all pairs, each once, to be embedded together.
     *
     * @param faces the images in order of first use; labels only number them; its notes count the pairs that are
     *     repeated and, in insightface's files, those of an image with itself and those that contradict others
     * @param first place in {@code faces} of each pair's first image
     * @param second place in {@code faces} of each pair's second image
     * @param same whether each pair is genuine
     */
    public record Indexed(FaceDataset faces, int[] first, int[] second, boolean[] same) {}

    /** Returns the pairs as numbers of images, for embedding the images in batches. */
    public Indexed indexed(Crop crop) {
        Map<ImageSource, Integer> places = new LinkedHashMap<>();
        int[] first = new int[pairs.size()];
        int[] second = new int[pairs.size()];
        boolean[] same = new boolean[pairs.size()];
        for (int i = 0; i < first.length; i++) {
            first[i] = places.computeIfAbsent(pairs.get(i).first(), image -> places.size());
            second[i] = places.computeIfAbsent(pairs.get(i).second(), image -> places.size());
            same[i] = pairs.get(i).same();
        }
        List<LabeledImage> images = new ArrayList<>();
        List<String> names = new ArrayList<>();
        places.forEach((image, place) -> {
            images.add(new LabeledImage(image, place));
            names.add(image.name());
        });
        List<String> notes = RepeatedPairs.notes(pairs);
        return new Indexed(FaceDataset.of(images, names, Split.TEST, crop, notes), first, second, same);
    }

    /**
     * Reads an insightface verification set ({@code lfw.bin}, {@code cfp_fp.bin}, {@code agedb_30.bin}): a pickle of
     * encoded images, two for each pair, and of booleans, in lists, tuples or NumPy arrays. No code in it is executed.
     *
     * @throws DataException when the file is missing, damaged, or contains anything else
     */
    public static FacePairs insightfaceBin(Path file) {
        List<?> both = list(unpickled(file));
        List<?> images = both.size() == 2 ? list(both.get(0)) : List.of();
        List<?> labels = both.size() == 2 ? list(both.get(1)) : List.of();
        if (both.size() != 2 || images.size() != 2 * labels.size()) {
            throw new DataException("data file " + file + " must hold a list of images and half as many booleans, as"
                    + " insightface's verification sets do, but holds "
                    + (both.size() == 2
                            ? images.size() + " images and " + labels.size() + " labels"
                            : "something else"));
        }
        List<Pair> pairs = new ArrayList<>();
        for (int i = 0; i < labels.size(); i++) {
            pairs.add(new Pair(
                    source(file, 2 * i, images.get(2 * i)),
                    source(file, 2 * i + 1, images.get(2 * i + 1)),
                    isGenuine(file, i, labels.get(i))));
        }
        return new FacePairs(pairs);
    }

    private static Object unpickled(Path file) {
        long size;
        byte[] bytes;
        try {
            size = Files.size(file);
            requireFitting(file, size);
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new DataException("data file " + file + " does not exist", e);
        } catch (IOException e) {
            throw new DataException("data file " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
        try {
            return new BinUnpickler(file, size).load(new ByteArrayInputStream(bytes));
        } catch (DataException e) {
            throw e;
        } catch (IOException | RuntimeException e) { // a damaged pickle can lead to any exception
            throw new DataException(
                    "data file " + file + " is damaged or not a verification set: its pickle cannot be read", e);
        }
    }

    /** The file and the images in it are in memory together, and the file is in one array. */
    private static void requireFitting(Path file, long size) {
        if (size > MAX_BIN_BYTES) {
            throw new DataException("data file " + file + " must have at most " + MAX_BIN_BYTES + " bytes, but has "
                    + size + "; split it into several sets, or save its images as files and list their pairs"
                    + " (evaluate --protocol pairs, FacePairs.list)");
        }
        long max = Runtime.getRuntime().maxMemory() / 3;
        if (size > max) {
            throw new DataException("data file " + file + " must have at most " + max
                    + " bytes, a third of the Java heap, but has " + size + "; give Java more memory (-Xmx)");
        }
    }

    /** Returns the elements of a list, a tuple or an array; none for other values. */
    private static List<?> list(@Nullable Object value) {
        if (value instanceof Object[] tuple) {
            return Arrays.asList(tuple);
        }
        return value instanceof BinUnpickler.NumpyArray array
                ? array.values()
                : value instanceof List<?> list ? list : List.of();
    }

    /**
     * Returns an image from Python 3's bytes, Python 2's string, whose characters are bytes, or NumPy's array of bytes.
     */
    private static ImageSource source(Path file, int index, Object value) {
        if (value instanceof byte[] bytes) {
            return new InFile(file, index, () -> bytes);
        }
        if (value instanceof BinUnpickler.NumpyArray array && array.bytes() != null) {
            byte[] bytes = array.bytes();
            return new InFile(file, index, () -> bytes);
        }
        if (value instanceof String text) { // a pickle may use one string for many images: bytes only when it is read
            return new InFile(file, index, () -> text.getBytes(StandardCharsets.ISO_8859_1));
        }
        throw new DataException("data file " + file + ": image " + index + " must be bytes, but is of another type");
    }

    private static boolean isGenuine(Path file, int pair, Object value) {
        if (value instanceof Boolean genuine) {
            return genuine;
        }
        if (value instanceof Number number) {
            return number.doubleValue() != 0;
        }
        throw new DataException(
                "data file " + file + ": label of pair " + pair + " must be true or false, but is of another type");
    }

    /** An encoded image, named by its place in the file. */
    record InFile(Path file, int index, Supplier<byte[]> bytes) implements ImageSource, NamedByFolder {
        @Override
        public String name() {
            return file.getFileName() + " image " + index;
        }

        /** The length and the checksum of an image's bytes: equal for equal images. */
        private record Content(int length, long checksum) {}

        /** Returns what is equal for images with the same bytes. */
        Object content() {
            byte[] all = bytes.get();
            return new Content(all.length, Checksum.of(all));
        }

        @Override
        public String nameWithFolder() {
            return file + " image " + index;
        }

        @Override
        public Mat read() {
            return ImageReader.decode(bytes.get(), nameWithFolder());
        }

        @Override
        public Reduced readReduced(int minPx) {
            return ImageReader.decodeReduced(bytes.get(), minPx, nameWithFolder());
        }

        @Override
        public byte[] encoded() {
            return bytes.get();
        }
    }
}
