package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PortraitsTest {
    @TempDir
    Path folder;

    @Test
    void stayBesideTheGallery() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        byte[] jpeg = {1, 2, 3};
        Portraits.beside(gallery, List.of()).keep(7, jpeg);
        assertThat(folder.resolve("people.gallery.faces/7.jpg")).hasBinaryContent(jpeg);

        Portraits again = Portraits.beside(gallery, List.of(7L, 8L));
        assertThat(again.of(7)).hasValue(jpeg);
        assertThat(again.of(8)).as("enrolled by another program").isEmpty();
        again.drop(7);
        assertThat(again.of(7)).isEmpty();
        assertThat(folder.resolve("people.gallery.faces")).isEmptyDirectory();
    }

    @Test
    void ofWhoIsGoneAreDeletedAndNothingElse() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        Path faces = Files.createDirectories(folder.resolve("people.gallery.faces"));
        for (String name : List.of("1.jpg", "2.jpg", "2.jpg.tmp", "holiday.jpg", "3.png")) {
            Files.writeString(faces.resolve(name), name);
        }
        Portraits.beside(gallery, List.of(1L));
        try (var left = Files.list(faces)) {
            assertThat(left.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("1.jpg", "holiday.jpg", "3.png");
        }
    }
}
