package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What galleries in memory promise besides, and what takes too many entries for the others. */
class GalleryTest {
    private static final int D = 64;

    private static float[] random(Random random, int dimension) {
        float[] values = new float[dimension];
        for (int i = 0; i < dimension; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return values;
    }

    /** The gallery spans several blocks of memory with equal embeddings in each; the last block is not full. */
    @Test
    void breaksTiesByTheOrderOfEnrollment() {
        int dimension = 4096; // 2,048 rows per block
        float[] twin = TestFaces.direction(1, dimension);
        try (Gallery gallery = Gallery.inMemory("model", dimension)) {
            Random random = new Random(5);
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < 5_001; i++) {
                all.add(new Enrollment("p" + i, i % 2 == 1 ? twin : random(random, dimension)));
            }
            gallery.enroll(all);

            List<Outcome> both = gallery.identify(List.of(twin, random(random, dimension)), 4, 0.5);
            assertThat(both.get(0).matches()).extracting(Match::identity).containsExactly("p1", "p3", "p5", "p7");
            assertThat(both.get(1)).isInstanceOf(Outcome.Unknown.class);
            gallery.remove("p3");
            gallery.remove("p5");
            assertThat(gallery.identify(twin, 3, 0.5).matches())
                    .extracting(Match::identity)
                    .containsExactly("p1", "p7", "p9");
            assertThat(gallery.identify(twin, 10_000, -1).matches()).hasSize(4_999);
        }
    }

    /** The codes of these identities span several chunks. */
    @Test
    void rabitqFindsTheSameIdentitiesAsExactSearch() {
        int dimension = 128;
        int people = 40_000;
        try (Gallery exact = Gallery.inMemory("model", dimension);
                Gallery rabitq = Gallery.inMemory("model", dimension, SearchMethod.RABITQ)) {
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < people; i++) {
                all.add(new Enrollment("p" + i, TestFaces.direction(i, dimension)));
            }
            exact.enroll(all);
            rabitq.enroll(all);
            List<float[]> probes = new ArrayList<>();
            for (int i = 0; i < 100; i++) { // half of them show enrolled people
                probes.add(TestFaces.of(i % 2 == 0 ? i * 400 : people + i, 5, dimension));
            }
            List<Outcome> expected = exact.identify(probes, 1, -1);
            List<Outcome> found = rabitq.identify(probes, 1, -1);
            for (int i = 0; i < 100; i += 2) {
                assertThat(found.get(i)).isEqualTo(expected.get(i));
            }
            int same = 0;
            for (int i = 1; i < 100; i += 2) {
                same += found.get(i).equals(expected.get(i)) ? 1 : 0;
            }
            assertThat(same)
                    .as("nearest identity of non-mated probes, whose other identities are about as near")
                    .isGreaterThanOrEqualTo(45);
            assertThat(rabitq.identify(probes.get(0), people, -1).matches()).hasSize(people);
        }
    }

    /** The README recommends several galleries, with each person in one of them, in place of a very large one. */
    @Test
    void theBestOfSeveralGalleriesIsWhatOneGalleryAnswers() {
        List<Gallery> shards =
                Stream.generate(() -> Gallery.inMemory("model", D)).limit(4).toList();
        try (Gallery whole = Gallery.inMemory("model", D)) {
            for (int i = 0; i < 300; i++) {
                String person = "person " + i / 3;
                whole.enroll(person, TestFaces.direction(i, D));
                shards.get(Math.floorMod(person.hashCode(), shards.size())).enroll(person, TestFaces.direction(i, D));
            }
            assertThat(shards).allMatch(shard -> shard.size() > 0);
            for (int probe = 0; probe < 50; probe++) {
                float[] values = TestFaces.direction(1_000 + probe, D);
                List<Match> best = shards.parallelStream()
                        .flatMap(shard -> shard.identify(values, 5, 0.1).matches().stream())
                        .sorted(Comparator.comparingDouble(Match::cosine).reversed())
                        .limit(5)
                        .toList();
                assertThat(best)
                        .usingRecursiveFieldByFieldElementComparatorIgnoringFields("entry")
                        .isEqualTo(whole.identify(values, 5, 0.1).matches());
            }
        } finally {
            shards.forEach(Gallery::close);
        }
    }

    /** Unrelated random directions are the hardest case for a graph. */
    @Test
    void higherEfSearchFindsMore() {
        int rows = 6_000; // more than are compared without the graph
        try (Gallery gallery = Gallery.inMemory("model", D, SearchMethod.HNSW)) {
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < rows; i++) {
                all.add(new Enrollment("p" + i, TestFaces.direction(i, D)));
            }
            gallery.enroll(all);
            int[] found = new int[2];
            for (int probe = 0; probe < 200; probe++) {
                float[] values = TestFaces.direction(rows + probe, D);
                String nearest = all.stream()
                        .max(Comparator.comparingDouble(one -> TestFaces.cosine(values, one.embedding())))
                        .orElseThrow()
                        .identity();
                for (int i = 0; i < 2; i++) {
                    gallery.setEfSearch(i == 0 ? 8 : 512);
                    found[i] += gallery.identify(values, 1, -1)
                                    .best()
                                    .orElseThrow()
                                    .identity()
                                    .equals(nearest)
                            ? 1
                            : 0;
                }
            }
            assertThat(found[1]).isGreaterThan(found[0] + 20).isGreaterThanOrEqualTo(190);
            assertThatThrownBy(() -> gallery.setEfSearch(0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("efSearch must be 1 to 65536, but was 0");
        }
    }
}
