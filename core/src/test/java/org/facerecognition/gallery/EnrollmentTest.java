package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EnrollmentTest {
    @Test
    void aCheckedOneIsWhatAGalleryStores() {
        Enrollment given =
                new Enrollment(" Rene\u0301 ", new float[] {3, 4}, "e\u0301.jpg", "e\u0301", Map.of("floor", "2"));
        Enrollment checked = given.checked(2);
        assertThat(checked.identity()).isEqualTo("Ren\u00e9");
        assertThat(checked.note()).isEqualTo("\u00e9.jpg");
        assertThat(checked.contentKey()).isEqualTo("\u00e9");
        assertThat(checked.embedding()).containsExactly(0.6f, 0.8f);
        assertThat(checked.attributes()).isEqualTo(given.attributes());
        Enrollment withEmptyTexts = new Enrollment("Ann", new float[] {0, 1}, "", "").checked(2);
        assertThat(withEmptyTexts.note()).isNull();
        assertThat(withEmptyTexts.contentKey()).isNull();
    }

    @Test
    void whatAGalleryRejectsIsRejected() {
        float[] up = {0, 1};
        for (Enrollment wrong : List.of(
                new Enrollment("two\nlines", up),
                new Enrollment("Ann", new float[] {Float.NaN, 1}),
                new Enrollment("Ann", new float[2]),
                new Enrollment("Ann", new float[] {1}),
                new Enrollment("Ann", up, "n".repeat(4_097)),
                new Enrollment("Ann", up, null, "k".repeat(257)))) {
            assertThatThrownBy(() -> wrong.checked(2)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
