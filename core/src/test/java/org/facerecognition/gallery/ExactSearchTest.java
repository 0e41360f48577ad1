package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.facerecognition.natives.Processors;
import org.junit.jupiter.api.Test;

class ExactSearchTest {
    /** Without a model, nothing else said it: the search took all processors. */
    @Test
    void aWrongNumberOfThreadsIsSaidEachTime() {
        float[] probe = {1, 0, 0};
        String former = System.setProperty(Processors.PROPERTY, "none");
        try (Gallery gallery = Gallery.inMemory("0123456789abcdef", 3, SearchMethod.EXACT)) {
            gallery.enroll("Ann", probe);
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> gallery.identify(probe, 1, 0.5))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("facerecognition.threads must be a whole number of at least 1, but was none");
            }
            System.clearProperty(Processors.PROPERTY);
            assertThat(gallery.identify(probe, 1, 0.5).best()).isPresent();
        } finally {
            if (former == null) {
                System.clearProperty(Processors.PROPERTY);
            } else {
                System.setProperty(Processors.PROPERTY, former);
            }
        }
    }
}
