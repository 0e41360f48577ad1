package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class FaceThumbnailsTest {
    @TempDir
    Path folder;

    @Test
    void stayBesideTheGallery() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        byte[] jpeg = {1, 2, 3};
        FaceThumbnails.beside(gallery, List.of()).keep(7, jpeg);
        assertThat(folder.resolve("people.gallery.faces/7.jpg")).hasBinaryContent(jpeg);

        FaceThumbnails again = FaceThumbnails.beside(gallery, List.of(7L, 8L));
        assertThat(again.of(7)).hasValue(jpeg);
        assertThat(again.of(8)).as("enrolled by another program").isEmpty();
        again.drop(7);
        assertThat(again.of(7)).isEmpty();
        assertThat(folder.resolve("people.gallery.faces")).isEmptyDirectory();
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void areTheirOwnersAloneByEveryPathToTheGallery() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("people.gallery"));
        Path former = Files.createDirectories(folder.resolve("link.faces"));
        Files.writeString(former.resolve("7.jpg"), "seven");
        Files.writeString(former.resolve("9.jpg"), "gone");
        FaceThumbnails portraits = FaceThumbnails.beside(link, List.of(7L, 8L));
        portraits.keep(8, new byte[] {1});
        Path faces = folder.resolve("people.gallery.faces");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(faces)))
                .isEqualTo("rwx------");
        for (String name : List.of("7.jpg", "8.jpg")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(faces.resolve(name))))
                    .isEqualTo("rw-------");
        }
        assertThat(portraits.of(7)).hasValue("seven".getBytes(StandardCharsets.UTF_8));
        assertThat(former).isEmptyDirectory();
    }

    @Test
    void ofWhoIsGoneAreDeletedAndNothingElse() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        Path faces = Files.createDirectories(folder.resolve("people.gallery.faces"));
        for (String name : List.of("1.jpg", "2.jpg", "2.jpg.tmp", "holiday.jpg", "3.png")) {
            Files.writeString(faces.resolve(name), name);
        }
        FaceThumbnails.beside(gallery, List.of(1L));
        try (var left = Files.list(faces)) {
            assertThat(left.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("1.jpg", "holiday.jpg", "3.png");
        }
    }
}
