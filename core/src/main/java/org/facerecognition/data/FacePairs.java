package org.facerecognition.data;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.opencv.opencv_core.Mat;
import org.jspecify.annotations.Nullable;

/**
 * Pairs of faces, and of each whether it is one person: what verification is measured on.
 *
 * @param pairs in the order of their file
 */
public record FacePairs(List<Pair> pairs) {
    /** Two faces. */
    public record Pair(ImageSource first, ImageSource second, boolean same) {}

    public FacePairs {
        pairs = List.copyOf(pairs);
    }

    /**
     * Reads LFW's lists: {@code pairs.txt}, {@code pairsDevTrain.txt}, {@code pairsDevTest.txt}. Lines {@code name n m}
     * are of one person, {@code name n other m} of two; a first line of counts is optional, and checked where it is
     * there. The images are {@code folder/name/name_0001.jpg}, or {@code .png}.
     *
     * @throws DataException when the list or an image is missing, or a line does not fit
     */
    public static FacePairs lfw(Path list, Path images) {
        return PairLists.lfw(list, images);
    }

    /**
     * Reads lines {@code image<TAB>image<TAB>1}, with 1 for one person and 0 for two. Empty lines and those that begin
     * with {@code #} are skipped.
     *
     * @param images folder that the names are relative to
     * @throws DataException when the list or an image is missing, or a line does not fit
     */
    public static FacePairs list(Path list, Path images) {
        return PairLists.list(list, images);
    }

    /**
     * All images of the pairs, each once, to be embedded together.
     *
     * @param faces the images, in the order they are met; labels only number them
     * @param first of each pair, its place in {@code faces}
     * @param second of each pair, its place in {@code faces}
     * @param same of each pair, whether it is one person's
     */
    public record Indexed(FaceDataset faces, int[] first, int[] second, boolean[] same) {}

    /** The pairs by numbers of images, for those who embed images in batches. */
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
        List<FaceDataset.Labelled> images = new ArrayList<>();
        List<String> names = new ArrayList<>();
        places.forEach((image, place) -> {
            images.add(new FaceDataset.Labelled(image, place));
            names.add(image.name());
        });
        return new Indexed(FaceDataset.of(images, names, Split.TEST, crop), first, second, same);
    }

    /**
     * Reads an insightface verification set ({@code lfw.bin}, {@code cfp_fp.bin}, {@code agedb_30.bin}): a pickle of
     * encoded images, two for each pair, and of truths. Nothing in it is executed.
     *
     * @throws DataException when it is missing, damaged, or holds anything else
     */
    public static FacePairs insightfaceBin(Path file) {
        Object root = unpickled(file);
        Object[] both =
                root instanceof Object[] tuple ? tuple : root instanceof List<?> list ? list.toArray() : new Object[0];
        if (both.length != 2
                || !(both[0] instanceof List<?> images)
                || !(truths(both[1]) instanceof List<?> truths)
                || images.size() != 2 * truths.size()) {
            throw new DataException("data file " + file + " must hold a list of images and half as many truths, as"
                    + " insightface's verification sets do");
        }
        List<Pair> pairs = new ArrayList<>();
        for (int i = 0; i < truths.size(); i++) {
            pairs.add(new Pair(
                    source(file, 2 * i, images.get(2 * i)),
                    source(file, 2 * i + 1, images.get(2 * i + 1)),
                    truth(file, i, truths.get(i))));
        }
        return new FacePairs(pairs);
    }

    private static Object unpickled(Path file) {
        try {
            long size = Files.size(file);
            long most = Runtime.getRuntime().maxMemory() / 2; // the file, and the images in it
            if (size > most) {
                throw new DataException("data file " + file + " must have at most " + most
                        + " bytes, half of the Java heap, but has " + size + "; give Java more memory (-Xmx)");
            }
            return new BinUnpickler(file, size).load(new ByteArrayInputStream(Files.readAllBytes(file)));
        } catch (NoSuchFileException e) {
            throw new DataException("data file " + file + " does not exist", e);
        } catch (DataException e) {
            throw e;
        } catch (IOException | RuntimeException e) { // whatever a damaged pickle leads to
            throw new DataException(
                    "data file " + file + " is damaged or not a verification set: its pickle cannot be read", e);
        }
    }

    private static @Nullable Object truths(@Nullable Object value) {
        return value instanceof BinUnpickler.NumpyArray array && array.hasTruths() ? array.truths() : value;
    }

    /** Python 3's bytes, Python 2's text, whose characters are bytes, or NumPy's array of bytes. */
    private static ImageSource source(Path file, int index, Object value) {
        String name = file + " image " + index;
        if (value instanceof byte[] bytes) {
            return new Encoded(name, bytes);
        }
        if (value instanceof BinUnpickler.NumpyArray array && !array.hasTruths()) {
            return new Encoded(name, array.bytes());
        }
        if (value instanceof String text) {
            return new EncodedText(name, text);
        }
        throw new DataException("data file " + file + ": image " + index + " must be bytes, but is no such thing");
    }

    private static boolean truth(Path file, int index, Object value) {
        if (value instanceof Boolean truth) {
            return truth;
        }
        if (value instanceof Number number) {
            return number.intValue() != 0;
        }
        throw new DataException(
                "data file " + file + ": truth " + index + " must be true or false, but is no such thing");
    }

    private record Encoded(String name, byte[] bytes) implements ImageSource {
        @Override
        public Mat read() {
            return ImageReader.decode(bytes, name);
        }
    }

    /** One text may be many images: its bytes are made when they are read. */
    private record EncodedText(String name, String text) implements ImageSource {
        @Override
        public Mat read() {
            return ImageReader.decode(text.getBytes(StandardCharsets.ISO_8859_1), name);
        }
    }
}
