package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.facerecognition.gallery.GalleryTransfer.AttributesPolicy;
import org.facerecognition.gallery.GalleryTransfer.Result;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Opens and moves a gallery that commit f4b7e2d wrote, and compares all answers with those of that commit; see {@code
 * MakeF4b7e2d.java} beside the file.
 */
class GalleryMigrationTest {
    private static final int D = 16;
    private static final int PROBES = 12;

    @TempDir
    Path folder;

    private Path file;
    private final List<String[]> entries = new ArrayList<>();
    private final List<String[]> matches = new ArrayList<>();

    @BeforeEach
    void copy() throws IOException {
        file = folder.resolve("old.gallery");
        try (InputStream in = GalleryMigrationTest.class.getResourceAsStream("/gallery/f4b7e2d.gallery")) {
            Files.copy(in, file);
        }
        try (InputStream in = GalleryMigrationTest.class.getResourceAsStream("/gallery/f4b7e2d.tsv")) {
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                String[] fields = line.replace("\\n", "\n").split("\t", -1);
                (fields[0].equals("entry") ? entries : matches).add(Arrays.copyOfRange(fields, 1, 5));
            }
        }
        assertThat(entries).hasSize(36);
        assertThat(matches).hasSize(48);
    }

    private static @Nullable String orNull(String text) {
        return text.isEmpty() ? null : text;
    }

    /** Entries and answers are those of the old commit, to the last bit; moved names may lack invisible characters. */
    private void requireSame(Gallery gallery, boolean moved) {
        List<StoredEntry> found = gallery.page(0, 1_000);
        assertThat(found).hasSameSizeAs(entries);
        for (int i = 0; i < found.size(); i++) {
            String[] expected = entries.get(i);
            Entry entry = found.get(i).entry();
            if (!moved) {
                assertThat(entry.id()).isEqualTo(Long.parseLong(expected[0]));
                assertThat(entry.identity()).isEqualTo(expected[1]);
            }
            assertThat(Gallery.isSameName(entry.identity(), expected[1])).isTrue();
            assertThat(entry.note()).isEqualTo(orNull(expected[2]));
            StringBuilder bits = new StringBuilder();
            for (float value : found.get(i).embedding()) {
                bits.append(String.format("%08x", Float.floatToIntBits(value)));
            }
            assertThat(bits.toString()).isEqualTo(expected[3]);
        }
        List<String> expected = matches.stream()
                .map(fields -> fields[0] + " " + Names.key(fields[1]) + " " + orNull(fields[2]) + " " + fields[3])
                .toList();
        List<String> answers = new ArrayList<>();
        for (int probe = 0; probe < PROBES; probe++) {
            for (Match match :
                    gallery.identify(TestFaces.of(probe, 1000, D), 4, -1).matches()) {
                answers.add(probe + " " + Names.key(match.identity()) + " " + match.note() + " "
                        + Long.toHexString(Double.doubleToLongBits(match.cosine())));
            }
        }
        assertThat(answers).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXACT", "ON_DISK"})
    void opensWithEqualAnswers(SearchMethod method) {
        try (Gallery old = Gallery.openReadOnly(file, "model", D, method)) {
            requireSame(old, false);
        }
        try (Gallery upgraded = open(method)) {
            requireSame(upgraded, false);
        }
        try (Gallery again = open(method)) {
            requireSame(again, false);
        }
    }

    private Gallery open(SearchMethod method) {
        Gallery gallery = Gallery.open(file, "model", D, method);
        gallery.setEfSearch(1_000); // more than there are people, so that the answers are exact
        return gallery;
    }

    @Test
    void movesThroughAFolderWithEqualAnswers() throws IOException {
        Path export = folder.resolve("export");
        try (Gallery old = Gallery.openReadOnly(file, "model", D, SearchMethod.EXACT);
                Gallery moved = Gallery.open(folder.resolve("new.gallery"), "model", D)) {
            assertThat(GalleryTransfer.exportTo(old, export, done -> {})).isEqualTo(36);
            assertThat(GalleryTransfer.importFrom(export, moved, AttributesPolicy.KEEP, done -> {}))
                    .isEqualTo(new Result(36, 0));
            requireSame(moved, true);
        }
        try (Stream<Path> files = Files.list(export)) {
            assertThat(files.map(path -> path.getFileName().toString()))
                    .containsExactlyInAnyOrder("embeddings.npy", "entries.csv", "gallery.json");
        }
    }

    @Test
    void movesToADatabaseAndBackWithEqualAnswers() {
        TestDatabase database = TestDatabase.get();
        String name = TestDatabase.newName();
        try (Gallery old = Gallery.open(file, "model", D);
                Gallery there = Gallery.connect(database.dataSource(), name, "model", D);
                Gallery back = Gallery.open(folder.resolve("back.gallery"), "model", D)) {
            assertThat(GalleryTransfer.copy(old, there, AttributesPolicy.KEEP, done -> {}))
                    .isEqualTo(new Result(36, 0));
            requireSame(there, true);
            assertThat(GalleryTransfer.copy(there, back, AttributesPolicy.KEEP, done -> {}))
                    .isEqualTo(new Result(36, 0));
            requireSame(back, true);
            assertThat(GalleryTransfer.copy(old, back, AttributesPolicy.KEEP, done -> {}))
                    .isEqualTo(new Result(0, 36));
        }
    }
}
