package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CalibrationTest {
    private static final int DIMENSION = 16;

    /**
     * A simulated population: each person has a random center, and their faces scatter around it.
     *
     * @param resemblance the largest shift of a center toward one common direction; the shifts are so distributed that
     *     a few people resemble many others
     */
    private record Population(Random random, double noise, double resemblance) {
        float[] person() {
            float[] center = direction();
            double shift = resemblance * Math.pow(random.nextDouble(), 4);
            center[0] += (float) shift;
            return center;
        }

        float[] direction() {
            float[] direction = new float[DIMENSION];
            for (int i = 0; i < DIMENSION; i++) {
                direction[i] = (float) (random.nextGaussian() / Math.sqrt(DIMENSION));
            }
            return direction;
        }

        float[] face(float[] person) {
            float[] face = direction();
            for (int i = 0; i < DIMENSION; i++) {
                face[i] = (float) (person[i] + noise * face[i]);
            }
            return face;
        }

        Embedded faces(int people, IntFunction<Integer> facesOf) {
            List<float[]> faces = new ArrayList<>();
            List<Integer> labels = new ArrayList<>();
            for (int p = 0; p < people; p++) {
                float[] person = person();
                for (int i = 0; i < facesOf.apply(p); i++) {
                    faces.add(face(person));
                    labels.add(p);
                }
            }
            return new Embedded(
                    faces.toArray(float[][]::new),
                    labels.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    @Test
    void findsTheLowestThresholdWithinTheRate() {
        Embedded faces = new Population(new Random(1), 0.4, 0).faces(60, p -> 1 + p % 4);
        Roc roc = Verification.ofAllPairs(faces).roc();

        Calibration.Point point = Calibration.of(faces).at(0.01).orElseThrow();

        assertThat(point.cosine()).isCloseTo(roc.thresholdAt(0.01), within(2.1 * 2 / (1 << 20)));
        assertThat(point.falseAccepts()).isEqualTo(Math.round(roc.far(point.cosine()) * roc.impostorPairs()));
        assertThat(roc.far(point.cosine())).isLessThanOrEqualTo(0.01);
        assertThat(point.impostorPairs()).isEqualTo(roc.impostorPairs());
        assertThat(point.people()).isEqualTo(60);
        assertThat(point.upperBound()).isGreaterThan(0.01).isLessThan(0.1);
    }

    @Nested
    class TheRatesThatFewPeopleCannotShow {
        @Test
        void followFromTheRuleOfThreeOverPairsOfPeople() {
            assertThat(Calibration.peopleFor(0.01)).isEqualTo(25); // 300 pairs
            assertThat(Calibration.peopleFor(0.001)).isEqualTo(78); // 3,003 pairs
            assertThat(Calibration.peopleFor(0.0001)).isEqualTo(246); // 30,135 pairs
            assertThat(Calibration.peopleFor(0.9)).isEqualTo(4);
        }

        @Test
        void areNotReported() {
            Embedded threePeople = new Population(new Random(2), 0.4, 0).faces(3, p -> 3); // 27 impostor pairs
            Calibration calibration = Calibration.of(threePeople);
            for (double rate : new double[] {0.01, 0.001, 0.0001}) {
                assertThat(calibration.at(rate)).isEmpty();
            }
            Embedded thirtyPeople = new Population(new Random(2), 0.4, 0).faces(30, p -> 1); // 435 impostor pairs
            assertThat(Calibration.of(thirtyPeople).at(0.01)).isPresent();
            assertThat(Calibration.of(thirtyPeople).at(0.001)).isEmpty();
        }

        @Test
        void areNotShownByManyFacesOfFewPeopleEither() {
            Embedded twoPeople = new Population(new Random(3), 0.4, 0).faces(2, p -> 200); // 40,000 impostor pairs
            assertThat(Calibration.of(twoPeople).at(0.001)).isEmpty();
        }
    }

    /** A barely trained network gives all faces nearly the same embedding. */
    @Test
    void findsAThresholdForNearlyEqualEmbeddings() {
        Embedded faces = new Population(new Random(6), 0.4, 0).faces(40, p -> 2);
        for (float[] face : faces.embeddings()) {
            for (int d = 0; d < DIMENSION; d++) {
                face[d] = 1 + 1e-4f * face[d];
            }
        }
        Calibration.Point point = Calibration.of(faces).at(0.01).orElseThrow();
        assertThat(point.cosine()).isStrictlyBetween(1 - 1e-6, 1.0);
        assertThat(point.falseAccepts()).isBetween(25L, 31L); // of 3,120
    }

    @Test
    void findsNoThresholdWhenAllEmbeddingsAreEqual() {
        Embedded faces = new Population(new Random(4), 0.4, 0).faces(40, p -> 2);
        for (int i = 0; i < faces.labels().length; i++) {
            faces.embeddings()[i] = faces.embeddings()[0].clone();
        }
        assertThat(Calibration.of(faces).at(0.01)).isEmpty();
    }

    @Test
    void rejectsFacesOfOnePerson() {
        Embedded one = new Population(new Random(5), 0.4, 0).faces(1, p -> 5);
        assertThatThrownBy(() -> Calibration.of(one))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("faces must be of at least 2 people to be compared, but were of one");
    }

    @Nested
    class AThresholdWhoseUpperBoundKeepsToTheRate {
        @Test
        void isTheLowestOfThoseThatAreTried() {
            Calibration calibration = Calibration.of(new Population(new Random(9), 0.4, 1).faces(150, p -> 2));
            Calibration.Point estimate = calibration.at(0.01).orElseThrow();
            Calibration.Point bounded = calibration.atMost(0.01).orElseThrow();
            assertThat(estimate.upperBound()).isGreaterThan(0.01);
            assertThat(bounded.upperBound()).isLessThanOrEqualTo(0.01);
            assertThat(bounded.falseAcceptRate()).isEqualTo(0.01);
            assertThat(bounded.cosine()).isGreaterThan(estimate.cosine());

            double share = (double) bounded.falseAccepts() / bounded.impostorPairs();
            Calibration.Point same =
                    calibration.at(share * (1 + 1e-9)).orElseThrow(); // the same pairs, asked for as an estimate
            assertThat(bounded.upperBound()).isEqualTo(same.upperBound());
            double next = share * Math.pow(2, 0.25) * 1.01; // of the next lower threshold
            assertThat(calibration.at(next).orElseThrow().upperBound()).isGreaterThan(0.01);
        }

        @Test
        void takesMorePeopleThanAnEstimate() {
            Embedded few = new Population(new Random(9), 0.4, 0).faces(30, p -> 2);
            assertThat(Calibration.of(few).at(0.01)).isPresent();
            assertThat(Calibration.of(few).atMost(0.01)).isEmpty();
            assertThat(Calibration.of(few).atMost(0.3)).isPresent();
            assertThat(Calibration.of(few).atMost(1e-6)).isEmpty();
        }

        @ParameterizedTest
        @CsvSource({"80, 0.01, 0", "80, 0.01, 2", "80, 0.05, 2"})
        void keepsTheRateOnOtherPeople(int people, double rate, double resemblance) {
            Population population = new Population(new Random(10), 0.4, resemblance);
            int found = 0;
            int above = 0;
            for (int split = 0; split < 200; split++) {
                Calibration.Point point = Calibration.of(population.faces(people, p -> 2))
                        .atMost(rate)
                        .orElse(null);
                if (point != null) {
                    found++;
                    above += falseAcceptRate(population.faces(people, p -> 2), point.cosine()) > rate ? 1 : 0;
                }
            }
            assertThat(found).isGreaterThan(150);
            assertThat(above).isLessThanOrEqualTo(10); // 5 % of 200
        }
    }

    private static double falseAcceptRate(Embedded faces, double threshold) {
        long pairs = 0;
        long accepted = 0;
        for (int i = 0; i < faces.labels().length; i++) {
            float[] face = faces.embeddings()[i];
            double norm = Math.sqrt(Verification.dot(face, face));
            for (int j = 0; j < i; j++) {
                if (faces.labels()[i] != faces.labels()[j]) {
                    float[] other = faces.embeddings()[j];
                    double otherNorm = Math.sqrt(Verification.dot(other, other));
                    pairs++;
                    accepted += Verification.dot(face, other) >= threshold * norm * otherNorm ? 1 : 0;
                }
            }
        }
        return (double) accepted / pairs;
    }

    @Nested
    class TheUpperBound {
        /** The expected values are those of {@code scipy.stats.beta.ppf(0.95, k + 1, n - k)}. */
        @Test
        void isClopperAndPearsonsForIndependentTrials() {
            assertThat(BinomialBound.upper(0, 27, 0.95)).isCloseTo(1 - Math.pow(0.05, 1.0 / 27), within(1e-12));
            assertThat(BinomialBound.upper(0.1, 10, 0.95)).isCloseTo(0.39416, within(1e-5));
            assertThat(BinomialBound.upper(0.05, 100, 0.95)).isCloseTo(0.10225, within(1e-5));
            assertThat(BinomialBound.upper(1, 10, 0.95)).isEqualTo(1);
        }

        /**
         * Calibrates on some people and measures the rate on as many others, 200 times.
         *
         * @return how often the bound held, in [0, 1]
         */
        private double coverage(int people, IntFunction<Integer> facesOf, double rate, double resemblance, long seed) {
            Population population = new Population(new Random(seed), 0.4, resemblance);
            int covered = 0;
            for (int split = 0; split < 200; split++) {
                Calibration.Point point = Calibration.of(population.faces(people, facesOf))
                        .at(rate)
                        .orElseThrow();
                double onOthers = falseAcceptRate(population.faces(people, facesOf), point.cosine());
                covered += onOthers <= point.upperBound() ? 1 : 0;
            }
            return covered / 200.0;
        }

        @ParameterizedTest
        @CsvSource({"80, 0.001, 0", "80, 0.01, 0", "80, 0.001, 2", "80, 0.01, 2", "25, 0.01, 0", "25, 0.01, 2"})
        void coversTheRateOnOtherPeople(int people, double rate, double resemblance) {
            assertThat(coverage(people, p -> 2, rate, resemblance, 6)).isGreaterThanOrEqualTo(0.95);
        }

        /** Where no pair is accepted, the bound is that of half of the pairs of people who share nobody. */
        @Test
        void isThatOfTheEffectiveNumberOfPeople() {
            assertThat(boundWithoutErrors(p -> 2)).isCloseTo(1 - Math.pow(0.01, 1 / 7.5), within(1e-12));
            // 60 / rank faces: as 11.3 people with equal numbers of faces, so 5 pairs; it was the bound of 30 people
            assertThat(boundWithoutErrors(p -> 60 / (p + 1))).isCloseTo(1 - Math.pow(0.01, 1 / 2.5), within(1e-12));
        }

        /** Returns the bound for 30 people whose faces have a cosine of 0. */
        private double boundWithoutErrors(IntFunction<Integer> facesOf) {
            Embedded faces = new Population(new Random(7), 0.4, 0).faces(30, facesOf);
            float[][] orthogonal = new float[faces.labels().length][30];
            for (int i = 0; i < orthogonal.length; i++) {
                orthogonal[i][faces.labels()[i]] = 1;
            }
            Calibration.Point point = Calibration.of(new Embedded(orthogonal, faces.labels()))
                    .at(0.01)
                    .orElseThrow();
            assertThat(point.falseAccepts()).isZero();
            return point.upperBound();
        }

        /** The bounds of the former version, which knew only the number of people, are given. */
        @Test
        void growsOnlyWhereNumbersOfImagesDiffer() {
            assertThat(bound(p -> 2)).isCloseTo(0.0096023155, within(1e-9));
            assertThat(bound(p -> Math.max(1, 60 / (p + 1)))).isGreaterThan(1.5 * 0.0097703);
        }

        private double bound(IntFunction<Integer> facesOf) {
            Embedded faces = new Population(new Random(8), 0.4, 2).faces(78, facesOf);
            return Calibration.of(faces).at(0.001).orElseThrow().upperBound();
        }

        /** Simulates the populations of the comment in {@link Calibration} and prints the coverage of each. */
        @ParameterizedTest
        @EnabledIfSystemProperty(
                named = "tests.long",
                matches = "true",
                disabledReason = "takes minutes; run it with -Dtests.long=true")
        @CsvSource({"25, 0.01", "80, 0.01", "80, 0.001", "250, 0.001", "250, 0.0001"})
        void coversTheRateOnOtherPeopleInManyPopulations(int people, double rate) {
            for (double resemblance : new double[] {0, 1, 2, 4}) {
                assertCovers("equal", people, p -> 3, rate, resemblance);
                assertCovers("unequal", people, p -> Math.max(1, 60 / (p + 1)), rate, resemblance);
            }
        }

        private void assertCovers(
                String images, int people, IntFunction<Integer> facesOf, double rate, double resemblance) {
            double covered = coverage(people, facesOf, rate, resemblance, 20);
            System.out.printf(
                    "%d people with %s numbers of images, rate %s, resemblance %s: covered %.3f%n",
                    people, images, rate, resemblance, covered);
            assertThat(covered).isGreaterThanOrEqualTo(0.95);
        }
    }
}
