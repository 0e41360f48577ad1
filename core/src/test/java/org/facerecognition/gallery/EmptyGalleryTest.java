package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A file without entries used to belong to its first model for good, and was said to hold embeddings of it. */
class EmptyGalleryTest {
    private static final float[] OLD = {1, 0, 0, 0};
    private static final float[] NEW = {0, 1, 0, 0, 0, 0};

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameTheFile() {
        file = folder.resolve("people.gallery");
    }

    private Gallery openOld(SearchMethod method) {
        return Gallery.open(file, "old", OLD.length, method);
    }

    private Gallery openNew(SearchMethod method) {
        return Gallery.open(file, "new", NEW.length, method);
    }

    @ParameterizedTest
    @EnumSource
    void takesAnotherModelDimensionAndMode(SearchMethod method) {
        try (Gallery gallery = openOld(method)) {
            gallery.bindEmbeddingMode("flip");
        }
        try (Gallery gallery = openNew(method)) {
            assertThat(gallery.embeddingMode()).isEmpty();
            gallery.bindEmbeddingMode("no flip");
            assertThat(gallery.enroll("a", NEW)).isEqualTo(1);
        }
        assertThat(Gallery.info(file)).isEqualTo(new GalleryInfo("new", NEW.length, "no flip"));
        try (Gallery gallery = openNew(method)) {
            assertThat(gallery.identify(NEW, 1, 0.9).isKnown()).isTrue();
        }
        assertThatThrownBy(() -> openOld(method))
                .hasMessageContaining("holds embeddings of the model new, which cannot be compared with those of old");
    }

    @ParameterizedTest
    @EnumSource
    void takesAnotherModelWhenEverybodyWasRemoved(SearchMethod method) {
        try (Gallery gallery = openOld(method)) {
            gallery.enroll("a", OLD);
            gallery.enroll("b", OLD);
            gallery.remove("b");
            gallery.bindEmbeddingMode("flip");
        }
        assertThatThrownBy(() -> openNew(method)).hasMessageContaining("holds embeddings of the model old");
        assertThat(Gallery.info(file)).as("unchanged").isEqualTo(new GalleryInfo("old", OLD.length, "flip"));
        try (Gallery gallery = openOld(method)) {
            gallery.remove("a");
        }
        try (Gallery gallery = openNew(method)) {
            assertThat(gallery.enroll("c", NEW)).as("ids are not reused").isEqualTo(3);
            gallery.compact();
        }
        try (Gallery gallery = openNew(method)) {
            assertThat(gallery.entries()).containsExactly(new Entry(3, "c", null));
        }
        assertThat(folder.toFile().list((dir, name) -> name.endsWith(".tmp"))).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void takesAnotherModeWhileItIsEmpty(SearchMethod method) {
        try (Gallery gallery = openOld(method)) {
            gallery.bindEmbeddingMode("flip");
            gallery.bindEmbeddingMode("no flip");
            assertThat(gallery.embeddingMode()).contains("no flip");
            gallery.enroll("a", OLD);
            assertThatThrownBy(() -> gallery.bindEmbeddingMode("flip"))
                    .hasMessageContaining("holds embeddings made in the mode \"no flip\"");
            gallery.remove("a");
            gallery.bindEmbeddingMode("flip");
            assertThat(gallery.enroll("b", OLD)).isEqualTo(2);
        }
        assertThat(Gallery.info(file)).isEqualTo(new GalleryInfo("old", OLD.length, "flip"));
    }

    @Test
    void takesAnotherModeInMemory() {
        try (Gallery gallery = Gallery.inMemory("old", OLD.length)) {
            gallery.bindEmbeddingMode("flip");
            gallery.bindEmbeddingMode("no flip");
            gallery.enroll("a", OLD);
            assertThatThrownBy(() -> gallery.bindEmbeddingMode("flip")).isInstanceOf(GalleryException.class);
            assertThat(gallery.embeddingMode()).contains("no flip");
        }
    }

    @ParameterizedTest
    @EnumSource
    void isReadWithAnyModelAndLeftAsItIs(SearchMethod method) throws Exception {
        try (Gallery gallery = openOld(method)) {
            gallery.bindEmbeddingMode("flip");
        }
        byte[] before = Files.readAllBytes(file);
        try (Gallery gallery = Gallery.openReadOnly(file, "new", NEW.length, method)) {
            gallery.bindEmbeddingMode("no flip");
            assertThat(gallery.identify(List.of(NEW), 1, 0).get(0).isKnown()).isFalse();
            assertThat(gallery.entries()).isEmpty();
            assertThat(gallery.page(0, 10)).isEmpty();
        }
        assertThat(file).hasBinaryContent(before);
    }

    /** A reader keeps what it has opened, and a writer that has the file open is not disturbed. */
    @Test
    void readersKeepTheEmptyGallery() {
        openOld(SearchMethod.EXACT).close();
        try (Gallery reader = Gallery.openReadOnly(file, "old", OLD.length, SearchMethod.EXACT)) {
            try (Gallery writer = openNew(SearchMethod.EXACT)) {
                writer.enroll("a", NEW);
                assertThatThrownBy(() -> openOld(SearchMethod.EXACT))
                        .hasMessageContaining("is already open for writing");
            }
            assertThat(reader.identify(OLD, 1, 0).isKnown()).isFalse();
        }
    }

    @Test
    void aDamagedFileIsNotTakenForAnEmptyOne() throws Exception {
        try (Gallery gallery = openOld(SearchMethod.EXACT)) {
            gallery.enroll("a", OLD);
            gallery.enroll("b", OLD);
        }
        byte[] bytes = Files.readAllBytes(file);
        bytes[140] ^= 1;
        Files.write(file, bytes);
        assertThatThrownBy(() -> openNew(SearchMethod.EXACT)).isInstanceOf(GalleryException.class);
        assertThat(file).hasBinaryContent(bytes);
    }
}
