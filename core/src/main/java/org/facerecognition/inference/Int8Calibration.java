package org.facerecognition.inference;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.facerecognition.io.JsonFields;

/**
 * How a network computes in 8-bit integers, and how far its embeddings are from those in float32.
 *
 * @param ranges of the network's values, measured on every second image
 * @param images the number of other images, on which the following was measured
 * @param meanCosine the mean cosine between an image's embedding in int8 and that in float32
 * @param minCosine the minimum of those cosines
 * @param changedDecisions the fraction of all pairs of these images that are decided differently, by the cosine that is
 *     the threshold
 * @param largestWeight the integer that the largest weights became where that was measured, which depends on the
 *     processor; 0 if it is not known, as in files of earlier versions
 */
public record Int8Calibration(
        Int8Ranges ranges,
        int images,
        double meanCosine,
        double minCosine,
        Map<Double, Double> changedDecisions,
        int largestWeight) {
    /** The minimum number of images: half of them for the ranges, half for the measurement. */
    public static final int MIN_IMAGES = 16;

    private static final int BATCH = 16;
    private static final int EMBEDDED_TOGETHER = 64; // between two reports of progress

    public Int8Calibration {
        Objects.requireNonNull(ranges, "ranges");
        changedDecisions = Map.copyOf(changedDecisions);
    }

    /**
     * Returns the calibration in a model's metadata.
     *
     * @throws IllegalArgumentException when it cannot be used
     */
    public static Int8Calibration of(JsonFields settings) {
        return new Int8Calibration(
                Int8Ranges.of(settings.object("ranges")),
                settings.integer("images"),
                settings.number("meanCosine"),
                settings.number("minCosine"),
                settings.object("changedDecisions").numbersByNumber(),
                settings.has("largestWeight") ? settings.integer("largestWeight") : 0);
    }

    /**
     * Measures ranges and their effect.
     *
     * @param graph borrowed
     * @param pixels [S, S, 3] of each image, RGB
     * @param table the normalized value of each pixel value, [3, 256]
     * @param flip whether pairs are decided by embeddings to which those of the mirrored images are added; the cosines
     *     are of those without
     * @param thresholds cosines at which pairs are decided
     * @throws IllegalArgumentException when there are fewer than {@link #MIN_IMAGES} images
     * @throws UnsupportedOperationException when oneDNN cannot run the network on this processor
     */
    public static Int8Calibration of(
            Graph graph, List<byte[]> pixels, float[][] table, int sizePx, boolean flip, List<Double> thresholds) {
        return of(graph, pixels, table, sizePx, flip, thresholds, done -> {});
    }

    /**
     * Measures ranges and their effect; as {@link #of(Graph, List, float[][], int, boolean, List)}.
     *
     * @param passed receives how often images have passed through the network so far, each of them twice
     */
    public static Int8Calibration of(
            Graph graph,
            List<byte[]> pixels,
            float[][] table,
            int sizePx,
            boolean flip,
            List<Double> thresholds,
            IntConsumer passed) {
        if (pixels.size() < MIN_IMAGES) {
            throw new IllegalArgumentException("the calibration for int8 needs at least " + MIN_IMAGES
                    + " faces, better 100 or more, but got " + pixels.size());
        }
        AtomicInteger passes = new AtomicInteger();
        IntConsumer pass = count -> passed.accept(passes.addAndGet(count));
        InputImages first = new InputImages.Pixels(everySecond(pixels, 0), table, sizePx, false);
        Int8Ranges ranges = PreparedNet.ranges(graph, new Reported(first, pass));
        int images = pixels.size() / 2;
        List<byte[]> others = everySecond(pixels, 1);
        float[][] integers;
        float[][] floats;
        try (PreparedNet net = PreparedNet.int8(graph, BATCH, sizePx, ranges)) {
            integers = embed(net, others, table, sizePx, flip, pass);
        }
        try (PreparedNet net = PreparedNet.onCpu(graph, BATCH, sizePx, ScalarType.Float)) {
            floats = embed(net, others, table, sizePx, flip, pass);
        }
        double meanCosine = IntStream.range(0, images)
                .mapToDouble(i -> Cosines.of(integers[i], floats[i]))
                .average()
                .orElseThrow();
        double minCosine = Cosines.min(Arrays.copyOf(integers, images), Arrays.copyOf(floats, images));
        Map<Double, Double> changed = flip // last, since sums change rows
                ? changedDecisions(PreparedNet.sums(integers), PreparedNet.sums(floats), thresholds)
                : changedDecisions(integers, floats, thresholds);
        return new Int8Calibration(ranges, images, meanCosine, minCosine, changed, OneDnnInt8.largestWeight(false));
    }

    /** Images that say when one of them has been read, by the one thread that does it. */
    private record Reported(InputImages images, IntConsumer pass) implements InputImages {
        @Override
        public int count() {
            return images.count();
        }

        @Override
        public int sizePx() {
            return images.sizePx();
        }

        @Override
        public void read(int index, float[] values) {
            images.read(index, values);
            pass.accept(1);
        }
    }

    /** Returns the embeddings of images and, with {@code flip}, those of the mirrored ones after them. */
    private static float[][] embed(
            PreparedNet net, List<byte[]> pixels, float[][] table, int sizePx, boolean flip, IntConsumer pass) {
        int count = pixels.size();
        float[][] rows = new float[flip ? 2 * count : count][];
        for (int from = 0; from < count; from += EMBEDDED_TOGETHER) {
            List<byte[]> some = pixels.subList(from, Math.min(count, from + EMBEDDED_TOGETHER));
            float[][] embedded = net.embed(new InputImages.Pixels(some, table, sizePx, flip));
            System.arraycopy(embedded, 0, rows, from, some.size());
            if (flip) {
                System.arraycopy(embedded, some.size(), rows, count + from, some.size());
            }
            pass.accept(some.size());
        }
        return rows;
    }

    /** Returns whether weights are rounded here as on the processor of the measurement. */
    boolean isOfThisProcessor() {
        return largestWeight == 0 || largestWeight == OneDnnInt8.largestWeight(false);
    }

    private static List<byte[]> everySecond(List<byte[]> pixels, int first) {
        return IntStream.range(0, pixels.size())
                .filter(i -> i % 2 == first)
                .mapToObj(pixels::get)
                .toList();
    }

    /** Returns the fraction of pairs that are decided differently, by threshold. */
    private static Map<Double, Double> changedDecisions(float[][] a, float[][] b, List<Double> thresholds) {
        double[] changed = new double[thresholds.size()];
        for (int i = 0; i < a.length && changed.length > 0; i++) {
            for (int j = 0; j < i; j++) {
                double one = Cosines.of(a[i], a[j]);
                double other = Cosines.of(b[i], b[j]);
                for (int t = 0; t < changed.length; t++) {
                    changed[t] += one >= thresholds.get(t) != other >= thresholds.get(t) ? 1 : 0;
                }
            }
        }
        double pairs = a.length * (a.length - 1) / 2.0;
        return IntStream.range(0, changed.length)
                .boxed()
                .collect(Collectors.toMap(thresholds::get, t -> changed[t] / pairs, (one, equal) -> one, TreeMap::new));
    }

    /** Says how far int8 is from float32. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "cosine to float32 %.4f on average, %.4f at least, of %d faces",
                meanCosine,
                minCosine,
                images));
        new TreeMap<>(changedDecisions)
                .forEach((threshold, fraction) -> text.append(String.format(
                        Locale.ROOT,
                        "; %.2f %% of their pairs decided differently at %.4f",
                        100 * fraction,
                        threshold)));
        return text.toString();
    }
}
