package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The first word of {@code gallery enroll}: the first of many images was taken for the person's name. */
class EnrollNameTest {
    @TempDir
    Path folder;

    private Path gallery;

    @BeforeEach
    void write() throws IOException {
        gallery = folder.resolve("people.gallery");
        for (String name : new String[] {"1.jpg", "2.JPG", "3.heic", "Ann", "5.txt"}) {
            Files.writeString(folder.resolve(name), "any");
        }
        Files.createDirectories(folder.resolve("holiday.png"));
    }

    private Cli.Result enroll(Object name) {
        Path model = folder.resolve("no.model");
        return Cli.run("gallery", "enroll", "--gallery", gallery, "--model", model, name, folder.resolve("1.jpg"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.jpg", "2.JPG", "3.heic", "holiday.png"})
    void mustNotBeAnImage(String name) {
        Path image = folder.resolve(name);
        Cli.Result result = enroll(image);
        assertThat(result.err())
                .contains("error: the first word must be the person's name, but " + image
                        + " is an image; give the name before the images");
        assertThat(result.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(gallery).doesNotExist();
    }

    /** The folder of a person's images mostly has the person's name. */
    @Test
    void mayBeThatOfAFileOrFolderWithoutAnImagesEnding() {
        for (Object name : new Object[] {folder.resolve("Ann"), folder.resolve("5.txt"), "Ann", "missing.jpg"}) {
            assertThat(enroll(name).err()).doesNotContain("the first word").contains("no.model does not exist");
        }
    }
}
