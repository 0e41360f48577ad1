package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Reads galleries that were written in version 1 of the format. */
class GalleryVersion1Test {
    private static final int D = 8;
    private static final Map<String, Integer> PEOPLE =
            Map.of("\u0410\u043d\u043d\u0430", 1, "Am\u00e9lie \ud83d\ude42", 1, "Boris", 1, "Dora", 2, "Eve\n", 1);

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void copy() throws IOException {
        file = copy("version1.gallery");
    }

    private Path copy(String name) throws IOException {
        Path copy = folder.resolve(name);
        try (InputStream in = GalleryVersion1Test.class.getResourceAsStream("/gallery/" + name)) {
            Files.copy(in, copy);
        }
        return copy;
    }

    private String content() throws IOException {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest
    @EnumSource
    void readOnlyOpeningDoesNotChangeTheFile(SearchMethod method) throws IOException {
        byte[] before = Files.readAllBytes(file);
        assertThat(Gallery.info(file)).isEqualTo(new GalleryInfo("model", D));
        try (Gallery gallery = Gallery.openReadOnly(file, "model", D, method)) {
            assertThat(gallery.identities()).isEqualTo(PEOPLE);
            assertThat(gallery.entries().get(0))
                    .isEqualTo(new Entry(1, "\u0410\u043d\u043d\u0430", "\u0444\u043e\u0442\u043e/anna.jpg"));
            assertThat(gallery.embeddingMode()).isEmpty();
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }

    /** Version 1 left removed entries in the file; the first opening for writing erases them. */
    @ParameterizedTest
    @EnumSource
    void openingForWritingErasesRemovedEntries(SearchMethod method) throws IOException {
        assertThat(content()).contains("Removed Person", "removed-person.jpg", "removed-entry.jpg");
        try (Gallery gallery = Gallery.open(file, "model", D, method)) {
            assertThat(gallery.identities()).isEqualTo(PEOPLE);
            assertThat(content()).doesNotContain("Removed", "removed");
            assertThat(gallery.enroll("Fay", TestFaces.direction(9, D))).isEqualTo(9);
            assertThat(gallery.remove("Eve"))
                    .as("a name that would be rejected today")
                    .isEqualTo(1);
        }
        try (Gallery gallery = Gallery.open(file, "model", D)) {
            assertThat(gallery.size()).isEqualTo(6);
            assertThat(gallery.embedding(4).orElseThrow()[0]).isEqualTo(TestFaces.direction(4, D)[0]);
        }
        assertThat(folder.toFile().list())
                .filteredOn(name -> !name.equals("version1.gallery.index"))
                .containsExactly("version1.gallery");
    }

    /** Removing an identity by name must not remove anybody else. */
    @Test
    void rebuildsTheGraph() throws IOException {
        Path graph = copy("version1-graph.gallery.hnsw");
        Path withGraph = copy("version1-graph.gallery");
        byte[] before = Files.readAllBytes(graph);
        try (Gallery gallery = Gallery.openReadOnly(withGraph, "model", D, SearchMethod.HNSW)) {
            assertThat(gallery.size()).isEqualTo(29);
            assertThat(gallery.identify(TestFaces.direction(120, D), 1, 0.99).best())
                    .hasValueSatisfying(match -> assertThat(match.identity()).isEqualTo("p20"));
        }
        try (Gallery gallery = Gallery.open(withGraph, "model", D, SearchMethod.HNSW)) {
            assertThat(gallery.size()).isEqualTo(29);
            assertThat(gallery.identify(TestFaces.direction(107, D), 1, 0.99).isKnown())
                    .isFalse();
        }
        assertThat(Files.readAllBytes(graph)).isNotEqualTo(before);
    }

    @ParameterizedTest
    @EnumSource
    void reportsATornEnd(SearchMethod method) throws IOException {
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length - 7));
        try (Gallery gallery = Gallery.open(file, "model", D, method)) {
            assertThat(gallery.tornBytes()).isPositive();
        }
    }

    @Test
    void cutsOffATornEndAndRejectsDamage() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length - 7));
        try (Gallery gallery = Gallery.open(file, "model", D)) {
            assertThat(gallery.identities()).doesNotContainKey("Eve\n").hasSize(4);
            assertThat(gallery.tornBytes()).isPositive();
        }
        for (int at = 0; at < whole.length; at += 3) {
            byte[] flipped = whole.clone();
            flipped[at] ^= (byte) 0xff;
            Files.write(file, flipped);
            assertThatThrownBy(() -> Gallery.open(file, "model", D))
                    .as("byte %d", at)
                    .isInstanceOf(GalleryException.class);
            assertThat(Files.readAllBytes(file)).isEqualTo(flipped);
        }
    }
}
