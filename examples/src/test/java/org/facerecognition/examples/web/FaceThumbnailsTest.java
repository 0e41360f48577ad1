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
    void storesThumbnailsBesideTheGallery() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        byte[] jpeg = {1, 2, 3};
        FaceThumbnails.beside(gallery, entry -> false).put(7, jpeg);
        assertThat(folder.resolve("people.gallery.faces/7.jpg")).hasBinaryContent(jpeg);

        FaceThumbnails reopened = FaceThumbnails.beside(gallery, entry -> entry == 7 || entry == 8);
        assertThat(reopened.get(7)).hasValue(jpeg);
        assertThat(reopened.get(8)).as("enrolled by another program").isEmpty();
        reopened.remove(7);
        assertThat(reopened.get(7)).isEmpty();
        assertThat(folder.resolve("people.gallery.faces")).isEmptyDirectory();
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "needs POSIX permissions and symbolic links")
    void letsOnlyTheOwnerReadThumbnailsWhateverThePathToTheGallery() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("people.gallery"));
        Path formerFolder = Files.createDirectories(folder.resolve("link.faces"));
        Files.writeString(formerFolder.resolve("7.jpg"), "seven");
        Files.writeString(formerFolder.resolve("9.jpg"), "removed");
        FaceThumbnails thumbnails = FaceThumbnails.beside(link, entry -> entry == 7 || entry == 8);
        thumbnails.put(8, new byte[] {1});
        Path faces = folder.resolve("people.gallery.faces");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(faces)))
                .isEqualTo("rwx------");
        for (String name : List.of("7.jpg", "8.jpg")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(faces.resolve(name))))
                    .isEqualTo("rw-------");
        }
        assertThat(thumbnails.get(7)).hasValue("seven".getBytes(StandardCharsets.UTF_8));
        assertThat(formerFolder).isEmptyDirectory();
    }

    @Test
    void erasesThumbnailsOfRemovedEntriesAndNothingElse() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        Path faces = Files.createDirectories(folder.resolve("people.gallery.faces"));
        for (String name : List.of("1.jpg", "2.jpg", "2.jpg.tmp", "holiday.jpg", "3.png")) {
            Files.writeString(faces.resolve(name), name);
        }
        FaceThumbnails.beside(gallery, entry -> entry == 1);
        try (var remaining = Files.list(faces)) {
            assertThat(remaining.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("1.jpg", "holiday.jpg", "3.png");
        }
    }
}
