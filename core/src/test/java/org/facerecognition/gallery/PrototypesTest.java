package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PrototypesTest {
    private static final int D = 64;

    private final Vectors vectors = new Vectors(D);
    private final Rows rows = new Rows(new MemoryTexts());
    private final Prototypes prototypes = new Prototypes(vectors);

    @AfterEach
    void close() {
        prototypes.close();
        vectors.close();
    }

    /** Adds rows of an identity as one change. */
    private Rows.View add(String identity, float[]... embeddings) {
        int first = rows.count();
        vectors.reserve(first + embeddings.length);
        for (float[] embedding : embeddings) {
            vectors.put(rows.count(), UnitVector.of(embedding, D, "embedding"));
            rows.add(rows.count() + 1, identity, null, null);
        }
        Rows.View view = rows.view();
        prototypes.add(first, rows.count(), view);
        return view;
    }

    private static float[][] images(int person, int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(image -> TestFaces.of(person, image, D))
                .toArray(float[][]::new);
    }

    @Test
    void similarImagesHaveOnePrototypeThatIsNearerToAnotherImage() {
        Rows.View view = add("Anna", images(0, 0, 8));
        assertThat(prototypes.count()).isEqualTo(1);
        assertThat(prototypes.rows(0)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
        assertThat(prototypes.has(0, view)).isTrue();
        float[] other = TestFaces.of(0, 99, D);
        double single = Arrays.stream(images(0, 0, 8))
                .mapToDouble(one -> TestFaces.cosine(other, one))
                .average()
                .orElseThrow();
        assertThat(TestFaces.cosine(other, prototypes.vector(0))).isGreaterThan(single + 0.05);
    }

    @Test
    void dissimilarImagesHaveSeparatePrototypes() {
        add("Anna", images(0, 0, 3));
        add("Anna", images(1, 0, 2));
        Rows.View view = add("Anna", TestFaces.of(0, 3, D), TestFaces.of(1, 2, D));
        assertThat(prototypes.count()).isEqualTo(2);
        assertThat(prototypes.rows(0)).containsExactly(0, 1, 2, 5);
        assertThat(prototypes.rows(1)).containsExactly(3, 4, 6);
        assertThat(prototypes.has(0, view) && prototypes.has(1, view)).isTrue();
    }

    @Test
    void similarIdentitiesHaveSeparatePrototypes() {
        add("Anna", images(0, 0, 2));
        add("Berta", images(0, 2, 4));
        assertThat(prototypes.count()).isEqualTo(2);
    }

    /**
     * As images are enrolled one by one, their mean replaces the first image. Readers of earlier views still find the
     * old prototype.
     */
    @Test
    void replacesAPrototypeWhoseMeanHasMoved() {
        add("Anna", TestFaces.of(0, 0, D));
        add("Anna", TestFaces.of(0, 1, D));
        Rows.View before = add("Anna", TestFaces.of(0, 2, D));
        assertThat(prototypes.count()).isEqualTo(1);
        Rows.View after = add("Anna", TestFaces.of(0, 3, D));
        assertThat(prototypes.count()).isEqualTo(2);
        assertThat(prototypes.has(0, before)).isTrue();
        assertThat(prototypes.rows(0)).contains(0, 1, 2);
        assertThat(prototypes.has(0, after)).isFalse();
        assertThat(prototypes.has(1, after)).isTrue();
        assertThat(prototypes.rows(1)).containsExactly(0, 1, 2, 3);
        float[] other = TestFaces.of(0, 99, D);
        assertThat(TestFaces.cosine(other, prototypes.vector(1)))
                .isGreaterThan(TestFaces.cosine(other, prototypes.vector(0)));
        add("Anna", TestFaces.of(0, 4, D));
        assertThat(prototypes.rows(1))
                .as("the new prototype receives further rows")
                .containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void keepsAPrototypeWhoseMeanHasNotMoved() {
        float[] image = TestFaces.of(0, 0, D);
        for (int i = 0; i < 10; i++) {
            add("Anna", image);
        }
        assertThat(prototypes.count()).isEqualTo(1);
    }

    @Test
    void limitsPrototypesTo64Rows() {
        float[][] same = new float[130][];
        Arrays.fill(same, TestFaces.of(0, 0, D));
        add("Anna", same);
        assertThat(prototypes.count()).isEqualTo(3);
        assertThat(prototypes.rows(2)).containsExactly(128, 129);
    }

    @Test
    void hidesAPrototypeWhoseRowsAreRemoved() {
        Rows.View before = add("Anna", images(0, 0, 2));
        rows.remove(new int[] {0});
        assertThat(prototypes.has(0, rows.view())).as("one row is left").isTrue();
        rows.remove(rows.of("Anna"));
        assertThat(prototypes.has(0, rows.view())).isFalse();
        assertThat(prototypes.has(0, before)).isTrue();
    }

    @Test
    void loadsSavedPrototypes() throws IOException {
        add("Berta", images(1, 0, 3));
        for (int i = 0; i < 5; i++) {
            add("Anna", TestFaces.of(0, i, D));
        }
        Rows.View view = rows.view();
        byte[] saved = saved();
        try (Prototypes read = new Prototypes(vectors)) {
            read.load(ByteBuffer.wrap(saved), rows.count(), view);
            assertThat(read.count()).isEqualTo(prototypes.count()).isEqualTo(3);
            for (int number = 0; number < 3; number++) {
                assertThat(read.vector(number)).containsExactly(prototypes.vector(number));
                assertThat(read.rows(number)).containsExactly(prototypes.rows(number));
                assertThat(read.has(number, view)).isEqualTo(prototypes.has(number, view));
            }
            Rows.View next = add("Anna", TestFaces.of(0, 5, D));
            read.add(8, 9, next);
            assertThat(read.rows(2)).containsExactly(prototypes.rows(2));
        }
        for (int length = 0; length < saved.length; length++) {
            byte[] cut = Arrays.copyOf(saved, length);
            try (Prototypes read = new Prototypes(vectors)) {
                assertThatThrownBy(() -> read.load(ByteBuffer.wrap(cut), 8, view))
                        .isInstanceOf(IOException.class);
            }
        }
        try (Prototypes read = new Prototypes(vectors)) {
            assertThatThrownBy(() -> read.load(ByteBuffer.wrap(saved), 2, view))
                    .as("rows that do not exist")
                    .isInstanceOf(IOException.class);
        }
    }

    /** Opposite rows have no mean, so they cannot belong to one prototype. */
    @Test
    void rejectsASavedPrototypeWithoutAMean() {
        float[] one = new float[D];
        one[0] = 1;
        float[] opposite = new float[D];
        opposite[0] = -1;
        Rows.View view = add("Anna", one, opposite);
        ByteBuffer saved = ByteBuffer.allocate(21);
        saved.putInt(1).putInt(2).put((byte) 1).putInt(2).putInt(0).putInt(1).flip();
        try (Prototypes read = new Prototypes(vectors)) {
            assertThatThrownBy(() -> read.load(saved, 2, view)).isInstanceOf(IOException.class);
        }
    }

    private byte[] saved() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            prototypes.save(out);
        }
        return bytes.toByteArray();
    }
}
