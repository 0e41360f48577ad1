package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.facerecognition.eval.Bootstrap.Interval;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BootstrapTest {
    private static final double FAR = 0.05;

    /** Returns faces scattered around a random center per person, in 8 dimensions. */
    private static Embedded faces(int people, int each, long seed) {
        Random random = new Random(seed);
        float[][] embeddings = new float[people * each][8];
        int[] labels = new int[people * each];
        for (int person = 0; person < people; person++) {
            double[] center = random.doubles(8, -1, 1).toArray();
            for (int i = 0; i < each; i++) {
                labels[person * each + i] = person;
                for (int j = 0; j < 8; j++) {
                    embeddings[person * each + i][j] = (float) (center[j] + 0.4 * random.nextGaussian());
                }
            }
        }
        return new Embedded(embeddings, labels);
    }

    @Test
    void containsTheFigureAndIsReproducibleBySeed() {
        Embedded faces = faces(30, 5, 3);
        Verification pairs = Verification.ofAllPairs(faces);
        double tar = pairs.roc().tarAtFar(FAR);
        Interval interval = Bootstrap.DEFAULT.tarOverPairs(pairs.roc(), FAR);
        assertThat(tar).isBetween(interval.low(), interval.high());
        assertThat(Bootstrap.DEFAULT.tarOverPairs(pairs.roc(), FAR)).isEqualTo(interval);
        assertThat(new Bootstrap(10, 1).tarOverPairs(pairs.roc(), FAR))
                .isNotEqualTo(new Bootstrap(10, 9).tarOverPairs(pairs.roc(), FAR));
        Interval people = Bootstrap.DEFAULT.tarOverIdentities(pairs, FAR)[0];
        assertThat(tar).isBetween(people.low(), people.high());
        assertThat(Bootstrap.DEFAULT.tarOverIdentities(pairs, FAR)[0]).isEqualTo(people);
    }

    /** A model that has learned little: the order of cosines that are one float was that of the pairs. */
    @Test
    void containsTheFigureOfCosinesThatAreAlmostEqual() {
        for (int seed = 0; seed < 5; seed++) {
            Embedded faces = faces(20, 4, seed);
            for (float[] embedding : faces.embeddings()) {
                for (int j = 0; j < embedding.length; j++) {
                    embedding[j] = 1 + 1e-5f * embedding[j];
                }
            }
            Verification pairs = Verification.ofAllPairs(faces);
            double tar = pairs.roc().tarAtFar(FAR);
            Interval interval = Bootstrap.DEFAULT.tarOverIdentities(pairs, FAR)[0];
            assertThat(tar).as("seed " + seed).isBetween(interval.low(), interval.high());
        }
    }

    /** The interval of resampled pairs was [1, 1], whatever their number. */
    @Test
    void isAtLeastClopperAndPearsonsWithoutErrors() {
        double[] impostor = new Random(1).doubles(1000, 0, 0.5).toArray();
        for (int pairs : new int[] {10, 300}) {
            double[] genuine = new Random(2).doubles(pairs, 0.6, 1).toArray();
            double low = Math.pow(0.025, 1.0 / pairs); // 0.692 for 10 pairs
            Interval accepted = Bootstrap.DEFAULT.tarOverPairs(Roc.of(genuine, impostor), 0.01);
            assertThat(accepted.high()).isEqualTo(1);
            assertThat(accepted.low()).isLessThanOrEqualTo(low + 1e-12).isGreaterThan(low - 0.01);
            double[] rejected = Arrays.stream(genuine).map(score -> -score).toArray();
            Interval none = Bootstrap.DEFAULT.tarOverPairs(Roc.of(rejected, impostor), 0.01);
            assertThat(none.low()).isZero();
            assertThat(none.high()).isGreaterThanOrEqualTo(1 - low - 1e-12).isLessThan(1 - low + 0.01);
        }
    }

    @Test
    void overPeopleIsAtLeastClopperAndPearsonsWithoutErrors() {
        Random random = new Random(2);
        float[][] embeddings = new float[32][10];
        int[] labels = new int[32];
        for (int i = 0; i < 30; i++) {
            labels[i] = i / 3;
            embeddings[i][labels[i]] = 1 + random.nextFloat();
        }
        for (int alone = 30; alone < 32; alone++) { // have no genuine pair
            labels[alone] = alone;
            embeddings[alone][alone - 30] = -1;
        }
        Interval interval = Bootstrap.DEFAULT.tarOverIdentities(Verification.ofAllPairs(embeddings, labels), 0.01)[0];
        assertThat(interval.low()).isCloseTo(Math.pow(0.025, 0.1), within(1e-12));
        assertThat(interval.high()).isEqualTo(1);
    }

    @Test
    void aThresholdThatTooFewImpostorsBoundLeavesTheRateOpen() {
        double[] genuine = new Random(3).doubles(500, 0.4, 1).toArray();
        double[] impostor = new Random(4).doubles(1000, 0, 0.5).toArray();
        assertThat(Bootstrap.DEFAULT
                        .tarOverPairs(Roc.of(genuine, impostor), 0.001)
                        .low())
                .as("the chance that none of 1,000 exceeds the threshold for one in 1,000 is 37 %")
                .isZero();
        for (double far : new double[] {0, 1}) {
            Interval extreme = Bootstrap.DEFAULT.tarOverPairs(Roc.of(genuine, impostor), far);
            assertThat(extreme.low()).isBetween(0.0, far);
            assertThat(extreme.high()).isBetween(extreme.low(), 1.0);
        }
        assertThatThrownBy(() -> Bootstrap.DEFAULT.tarOverPairs(Roc.of(genuine, impostor), 1.1))
                .hasMessage("far must be in [0, 1], but was 1.1");
    }

    /** Resampling covered less than 90 %. More cases are in the comment of {@link Bootstrap}. */
    @ParameterizedTest
    @CsvSource({"1000, 0.001", "1000, 0.003"})
    void overPairsCoversTheTrueRate(int pairs, double far) {
        double threshold = 1 - far; // of uniform impostors
        double trueRate = 0.5; // genuine scores are uniform around the threshold
        SplittableRandom random = new SplittableRandom(5);
        int covered = 0;
        for (int i = 0; i < 300; i++) {
            Roc roc = Roc.of(
                    random.doubles(pairs, threshold - 3 * far, threshold + 3 * far)
                            .toArray(),
                    random.doubles(pairs).toArray());
            Interval interval = new Bootstrap(200, i).tarOverPairs(roc, far);
            covered += interval.low() <= trueRate && trueRate <= interval.high() ? 1 : 0;
        }
        assertThat(covered / 300.0).isGreaterThanOrEqualTo(0.93);
    }

    @Test
    void overPairsIsSlightlyWiderThanResamplingWhereManyImpostorsAreAllowed() {
        Random random = new Random(5);
        double[] genuine =
                random.doubles(300, 0.2, 1).map(d -> Math.round(d * 200)).toArray();
        double[] impostor =
                random.doubles(500, 0, 0.6).map(d -> Math.round(d * 200)).toArray();
        double[] tars = new double[20_000];
        for (int i = 0; i < tars.length; i++) {
            tars[i] = Roc.of(resampled(genuine, random), resampled(impostor, random))
                    .tarAtFar(FAR);
        }
        Interval plain = Interval.of(tars);
        Interval melded = new Bootstrap(20_000, 1).tarOverPairs(Roc.of(genuine, impostor), FAR);
        assertThat(melded.low()).isBetween(plain.low() - 0.02, plain.low());
        assertThat(melded.high()).isBetween(plain.high(), plain.high() + 0.02);
    }

    private static double[] resampled(double[] values, Random random) {
        return IntStream.range(0, values.length)
                .mapToDouble(i -> values[random.nextInt(values.length)])
                .toArray();
    }

    @Test
    void overPeopleEqualsNaiveResampling() {
        Embedded faces = faces(15, 4, 2);
        Verification pairs = Verification.ofAllPairs(faces);
        RandomVariates random = new RandomVariates(1); // the same seed draws the same people as the bootstrap below
        double[] tars = new double[500];
        for (int i = 0; i < tars.length; i++) {
            tars[i] = tarOfResampledPeople(pairs, faces.labels(), 15, random);
        }
        Interval plain = Interval.of(tars);
        Bootstrap bootstrap = new Bootstrap(500, 1);
        double[][] fast = new Bootstrap.People(pairs, faces.labels(), 1).resampledTars(bootstrap, 0.01, FAR);
        assertThat(fast[1]).containsExactly(tars);
        assertThat(bootstrap.tarOverIdentities(pairs, 0.01, FAR)[1])
                .as("many people have errors, and many have none")
                .isEqualTo(plain);
        Interval overPairs = new Bootstrap(500, 1).tarOverPairs(pairs.roc(), FAR);
        assertThat(overPairs.high() - overPairs.low())
                .as("pairs are not independent")
                .isLessThan(plain.high() - plain.low());
    }

    private static double tarOfResampledPeople(Verification pairs, int[] labels, int people, RandomVariates random) {
        int[] timesDrawn = new int[people];
        for (int i = 0; i < people; i++) {
            timesDrawn[random.below(people)]++;
        }
        double[] genuine = repeated(pairs, labels, timesDrawn, true);
        double[] impostor = repeated(pairs, labels, timesDrawn, false);
        return Roc.of(genuine, impostor).tarAtFar(FAR);
    }

    private static double[] repeated(Verification pairs, int[] labels, int[] timesDrawn, boolean genuine) {
        return IntStream.range(0, pairs.size())
                .filter(pair -> pairs.isSame(pair) == genuine)
                .boxed()
                .flatMapToDouble(pair -> {
                    int a = timesDrawn[labels[pairs.first(pair)]];
                    int b = timesDrawn[labels[pairs.second(pair)]];
                    double[] copies = new double[genuine ? a : a * b];
                    Arrays.fill(copies, pairs.score(pair));
                    return Arrays.stream(copies);
                })
                .toArray();
    }

    @Test
    void ignoresLabelsWithoutFaces() {
        Embedded faces = faces(6, 4, 4);
        int[] spread = Arrays.stream(faces.labels()).map(label -> 3 * label + 1).toArray();
        assertThat(Bootstrap.DEFAULT.tarOverIdentities(Verification.ofAllPairs(faces.embeddings(), spread), FAR))
                .isEqualTo(Bootstrap.DEFAULT.tarOverIdentities(Verification.ofAllPairs(faces), FAR));
    }

    @Test
    void variatesHaveTheExpectedMomentsAndExtremes() {
        RandomVariates random = new RandomVariates(0);
        assertThat(random.binomial(0, 0.5)).isZero();
        assertThat(random.binomial(1000, 0)).isZero();
        assertThat(random.binomial(1000, 1)).isEqualTo(1000);
        for (double p : new double[] {0.001, 0.3, 0.97}) {
            int n = 5_000;
            double[] counts = IntStream.range(0, 20_000)
                    .mapToDouble(i -> random.binomial(n, p))
                    .toArray();
            double mean = Arrays.stream(counts).average().orElseThrow();
            double variance = Arrays.stream(counts)
                    .map(c -> (c - mean) * (c - mean))
                    .average()
                    .orElseThrow();
            double expected = n * p * (1 - p);
            assertThat(mean).isCloseTo(n * p, within(5 * Math.sqrt(expected / 20_000)));
            assertThat(variance).isCloseTo(expected, within(expected * 0.06));
        }
        double mean = IntStream.range(0, 20_000)
                .mapToDouble(i -> random.beta(1, 9))
                .average()
                .orElseThrow();
        assertThat(mean).isCloseTo(0.1, within(0.003));
    }

    @Test
    void rejectsTooFewResamplesAndPeopleOfAList() {
        assertThatThrownBy(() -> new Bootstrap(1, 0)).hasMessage("resamples must be at least 2, but were 1");
        Verification list = Verification.ofScores(new double[] {1, 2}, new boolean[] {true, false});
        assertThatThrownBy(() -> Bootstrap.DEFAULT.tarOverIdentities(list, 0.1))
                .hasMessage("pairs must be of every face with every other to resample people, but were a list; use the"
                        + " interval over pairs (tarOverPairs)");
    }
}
