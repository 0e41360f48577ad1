package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Gallery;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class FaceThumbnailsTest {
    @TempDir
    Path folder;

    private final Map<Long, float[]> people = new HashMap<>(Map.of(7L, new float[] {.6f, .8f}, 8L, new float[] {1, 0}));

    private FaceThumbnails open(Path gallery) throws IOException {
        return FaceThumbnails.beside(gallery, entry -> Optional.ofNullable(people.get(entry)));
    }

    @Test
    void storesThumbnailsBesideTheGallery() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        byte[] jpeg = {1, 2, 3};
        open(gallery).put(7, "key", jpeg);
        Path faces = folder.resolve("people.gallery.faces");
        assertThat(faces)
                .isDirectoryContaining(file -> file.getFileName().toString().matches("7-[0-9a-f]{16}\\.jpg"));

        FaceThumbnails reopened = open(gallery);
        assertThat(reopened.get(7)).hasValue(jpeg);
        assertThat(reopened.get(8)).as("enrolled by another program").isEmpty();
        reopened.put(9, "key", jpeg); // whose entry another program has removed
        assertThat(reopened.get(9)).isEmpty();
        reopened.remove(7);
        assertThat(reopened.get(7)).isEmpty();
        assertThat(faces).isEmptyDirectory();
    }

    /** The second request to remove a person used to succeed although the face was still on the disk. */
    @Test
    void removesAThumbnailThatCouldNotBeErasedBefore() throws IOException {
        FaceThumbnails thumbnails = open(folder.resolve("people.gallery"));
        thumbnails.put(7, "key", new byte[] {1, 2, 3});
        Path faces = folder.resolve("people.gallery.faces");
        Path file = faces.toFile().listFiles()[0].toPath();
        Path aside = Files.move(file, folder.resolve("aside"));
        Path obstacle = Files.createFile(Files.createDirectory(file).resolve("obstacle"));
        assertThatThrownBy(() -> thumbnails.remove(7)).isInstanceOf(DirectoryNotEmptyException.class);
        Files.delete(obstacle);
        Files.delete(file);
        Files.move(aside, file);

        thumbnails.remove(7);

        assertThat(faces).isEmptyDirectory();
        assertThat(thumbnails.get(7)).isEmpty();
    }

    /** A server of a gallery in a database used to keep every thumbnail until it ended. */
    @Test
    void inMemoryKeepsThoseThatWereLastUsed() throws IOException {
        FaceThumbnails thumbnails = FaceThumbnails.inMemory();
        for (int entry = 0; entry < FaceThumbnails.MAX_IN_MEMORY; entry++) {
            thumbnails.put(entry, "key", new byte[] {(byte) entry});
        }
        assertThat(thumbnails.get(0)).hasValue(new byte[] {0});
        thumbnails.put(FaceThumbnails.MAX_IN_MEMORY, "key", new byte[] {1});
        assertThat(thumbnails.get(1)).isEmpty();
        assertThat(thumbnails.get(0)).isPresent();
        assertThat(thumbnails.get(FaceThumbnails.MAX_IN_MEMORY)).isPresent();
    }

    /** Each listing asks the gallery about some of them, so that it stays quick. */
    @Test
    void inMemoryForgetsAllRemovedEntriesAfterSomeListings() throws IOException {
        FaceThumbnails thumbnails = FaceThumbnails.inMemory();
        try (Gallery gallery = Gallery.inMemory("pixels", 2)) {
            long kept = gallery.enroll(List.of(new Enrollment("Ann", new float[] {1, 0}, null, "key 1")))[0];
            for (int entry = 1; entry <= 2_500; entry++) {
                thumbnails.put(entry, "key " + entry, new byte[] {1});
            }
            for (int listing = 0; listing < 3; listing++) {
                thumbnails.forgetRemoved(gallery);
            }
            assertThat(thumbnails.get(kept)).isPresent();
            for (int entry = 2; entry <= 2_500; entry++) {
                assertThat(thumbnails.get(entry)).isEmpty();
            }
        }
    }

    /** Ids begin with 1 again: earlier, the page showed the former person's face for the new one. */
    @Test
    void doesNotShowTheFaceOfAFormerGallerysPerson() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        open(gallery).put(7, "key", new byte[] {1, 2, 3});
        people.put(7L, new float[] {0, 1}); // the gallery's file was deleted, and another program filled a new one
        assertThat(open(gallery).get(7)).isEmpty();
        assertThat(folder.resolve("people.gallery.faces")).isEmptyDirectory();
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "needs POSIX permissions and symbolic links")
    void letsOnlyTheOwnerReadThumbnailsWhateverThePathToTheGallery() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("people.gallery"));
        Path formerFolder = Files.createDirectories(folder.resolve("link.faces"));
        Files.write(formerFolder.resolve("7.jpg"), Photos.jpeg(112, 112));
        Files.write(formerFolder.resolve("9.jpg"), Photos.jpeg(112, 112)); // of a removed entry
        FaceThumbnails thumbnails = open(link);
        thumbnails.put(8, "key", new byte[] {1});
        Path faces = folder.resolve("people.gallery.faces");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(faces)))
                .isEqualTo("rwx------");
        assertThat(faces.toFile().listFiles())
                .hasSize(2)
                .allSatisfy(
                        file -> assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.toPath())))
                                .isEqualTo("rw-------"));
        assertThat(thumbnails.get(7)).hasValue(Photos.jpeg(112, 112));
        assertThat(formerFolder).isEmptyDirectory();
    }

    /** Those of present people used to be erased with the others. */
    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "needs symbolic links")
    void followsAGalleryThatWasMovedAndLeftALink() throws IOException {
        Path gallery = Files.writeString(folder.resolve("people.gallery"), "");
        open(gallery).put(7, "key", new byte[] {1, 2, 3});
        Path formerFolder = folder.resolve("people.gallery.faces");
        Files.write(formerFolder.resolve("7.jpg"), Photos.jpeg(112, 112)); // what an earlier version wrote
        Files.write(formerFolder.resolve("8-0123456789abcdef.jpg"), new byte[] {4}); // of a former gallery's person
        Path elsewhere = Files.createDirectory(folder.resolve("big")).resolve("people.gallery");
        Files.move(gallery, elsewhere);
        Files.createSymbolicLink(gallery, elsewhere);

        FaceThumbnails.eraseOthers(gallery, entry -> Optional.ofNullable(people.get(entry)));

        assertThat(open(gallery).get(7)).hasValue(new byte[] {1, 2, 3});
        assertThat(open(elsewhere).get(7)).hasValue(new byte[] {1, 2, 3});
        assertThat(open(gallery).get(8)).isEmpty();
        assertThat(formerFolder).isEmptyDirectory();
    }

    @Test
    void keepsThumbnailsThatAnEarlierVersionWrote() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        Path faces = Files.createDirectories(folder.resolve("people.gallery.faces"));
        Files.write(faces.resolve("7.jpg"), Photos.jpeg(112, 112));
        assertThat(open(gallery).get(7)).hasValue(Photos.jpeg(112, 112));
        assertThat(open(gallery).get(7)).hasValue(Photos.jpeg(112, 112));
    }

    @Test
    void erasesThumbnailsOfRemovedEntriesAndNothingElse() throws IOException {
        Path gallery = folder.resolve("people.gallery");
        Path faces = Files.createDirectories(folder.resolve("people.gallery.faces"));
        for (String name : List.of("7.jpg", "2.jpg", "2-0123456789abcdef.jpg", "2.jpg.tmp", "holiday.jpg", "3.png")) {
            Files.write(faces.resolve(name), Photos.jpeg(112, 112));
        }
        open(gallery);
        try (var remaining = Files.list(faces)) {
            assertThat(remaining.map(file -> file.getFileName().toString().replaceFirst("-.*", "")))
                    .containsExactlyInAnyOrder("7", "holiday.jpg", "3.png");
        }
    }

    /** Earlier, they were overwritten and deleted, for a folder of photographs may have such a name. */
    @Test
    void leavesPhotographsWithNumbersAsNamesAlone() throws IOException {
        Path gallery = folder.resolve("team");
        Path faces = Files.createDirectories(folder.resolve("team.faces"));
        for (String name : List.of("1.jpg", "7.jpg", "2.jpg.tmp")) {
            Files.write(faces.resolve(name), Photos.jpeg(640, 480));
        }
        Files.writeString(faces.resolve("3.jpg"), "no image");
        Files.createDirectories(faces.resolve("4.jpg"));
        FaceThumbnails thumbnails = open(gallery);
        for (String name : List.of("1.jpg", "7.jpg", "2.jpg.tmp")) {
            assertThat(faces.resolve(name)).hasBinaryContent(Photos.jpeg(640, 480));
        }
        assertThat(faces.resolve("3.jpg")).hasContent("no image");
        assertThat(faces.resolve("4.jpg")).isDirectory();
        assertThat(thumbnails.get(7)).isEmpty();
    }
}
