package org.facerecognition.synthetic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.TestImages;
import org.junit.jupiter.api.Test;

class SyntheticFacesTest {
    private final SyntheticFaces faces = new SyntheticFaces(7, 64);

    private static List<Byte> pixels(SyntheticFaces faces, int identity, int index) {
        try (Mat image = faces.image(identity, index)) {
            List<Byte> all = new ArrayList<>();
            for (byte b : TestImages.bytes(image)) {
                all.add(b);
            }
            return all;
        }
    }

    @Test
    void equalNumbersGiveEqualImagesOnAnyThreadInAnyOrder() {
        List<Integer> order = new ArrayList<>(IntStream.range(0, 24).boxed().toList());
        List<List<Byte>> forward =
                order.stream().map(i -> pixels(faces, i / 4, i % 4)).toList();
        List<List<Byte>> parallel =
                order.parallelStream().map(i -> pixels(faces, i / 4, i % 4)).toList();
        Collections.reverse(order);
        List<List<Byte>> backward = new ArrayList<>(
                order.stream().map(i -> pixels(faces, i / 4, i % 4)).toList());
        Collections.reverse(backward);

        assertThat(parallel).isEqualTo(forward);
        assertThat(backward).isEqualTo(forward);
        assertThat(new HashSet<>(forward)).hasSize(24);
    }

    @Test
    void anotherSeedGivesOtherPeople() {
        assertThat(pixels(new SyntheticFaces(8, 64), 0, 0)).isNotEqualTo(pixels(faces, 0, 0));
    }

    @Test
    void identityStaysWhileTheShotChanges() {
        assertThat(faces.identity(3)).isEqualTo(faces.identity(3)).isNotEqualTo(faces.identity(4));
        assertThat(faces.shot(3, 0)).isNotEqualTo(faces.shot(3, 1)).isNotEqualTo(faces.shot(4, 0));
        Set<SyntheticIdentity> people = new HashSet<>();
        IntStream.range(0, 2000).forEach(i -> people.add(faces.identity(i)));
        assertThat(people).hasSize(2000);
    }

    @Test
    void imagesHaveTheRequestedSizeAndAreNotUniform() {
        for (int size : new int[] {32, 64, 112, 512}) {
            try (Mat image = new SyntheticFaces(0, size).image(5, 2)) {
                assertThat(image.rows()).isEqualTo(size);
                assertThat(image.cols()).isEqualTo(size);
                byte[] bytes = TestImages.bytes(image);
                int[] histogram = new int[256];
                for (byte b : bytes) {
                    histogram[b & 0xff]++;
                }
                assertThat(IntStream.of(histogram).max().orElseThrow()).isLessThan(bytes.length / 4);
            }
        }
    }

    @Test
    void rejectsInvalidArguments() {
        assertThatThrownBy(() -> new SyntheticFaces(0, 16)).hasMessage("sizePx must be in [32, 512], but was 16");
        assertThatThrownBy(() -> faces.image(-1, 0)).hasMessage("identity must be at least 0, but was -1");
        assertThatThrownBy(() -> faces.image(0, -1)).hasMessage("index must be at least 0, but was -1");
        assertThatThrownBy(() -> faces.identities(2, 1))
                .hasMessage("identities must be a range [from, to) with 0 <= from <= to, but was [2, 1)");
        assertThatThrownBy(() -> faces.identities(0, 1).images(-1, 1))
                .hasMessage("images must be a range [from, to) with 0 <= from <= to, but was [-1, 1)");
    }
}
