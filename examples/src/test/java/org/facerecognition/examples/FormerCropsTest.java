package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code align} into a folder that has crops of an earlier run, which were trained on although they are outdated. */
class FormerCropsTest {
    @TempDir
    Path root;

    private CliData data;
    private Path out;

    @BeforeEach
    void write() throws IOException {
        data = new CliData(root);
        out = root.resolve("crops");
        photograph("photos/ann.png", 3);
        photograph("photos/bob.png", 2);
    }

    private void photograph(String name, int faces) throws IOException {
        Path file = data.photograph(name, false, 320, 240);
        BufferedImage image = ImageIO.read(file.toFile());
        Graphics2D graphics = image.createGraphics();
        graphics.setColor(Color.RED);
        for (int i = 0; i < faces; i++) {
            graphics.fillRect(40 + 96 * i, 120, 8, 8);
        }
        graphics.dispose();
        ImageIO.write(image, "png", file.toFile());
    }

    private Cli.Result align(Object... more) {
        Object[] words = {"align", "--detector", CliData.DETECTOR, "--out", out};
        Cli.Result result = Cli.run(Stream.of(words, more).flatMap(Stream::of).toArray());
        assertThat(result.code()).as(result.err()).isZero();
        return result;
    }

    private List<String> crops() throws IOException {
        try (Stream<Path> files = Files.list(out)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void imagesThatARunDidNotWriteAreCounted() throws IOException {
        Path photos = root.resolve("photos");
        assertThat(align("--all", photos).err()).doesNotContain("did not write").contains("5 crops of 2 images");

        photograph("photos/ann.png", 1);
        photograph("photos/bob.png", 0);
        assertThat(align("--all", photos).err())
                .endsWith(String.format(
                        "note: %s has 4 image files that this run did not write; remove what is not to be trained on%n",
                        out));
        assertThat(crops()).containsExactly("ann-1.png", "ann-2.png", "ann-3.png", "bob-1.png", "bob-2.png");
        assertThat(align(root.resolve("photos/ann.png")).err())
                .contains("has 5 image files that this run did not write");
    }

    /** Earlier, the photographs that were given were counted, with the advice to remove them. */
    @Test
    void photographsThatWereGivenAreNotCounted() throws IOException {
        Path photos = root.resolve("photos");
        out = photos;
        photograph("photos/cleo.png", 1);
        Files.move(photos.resolve("cleo.png"), photos.resolve("cleo.jpg"));
        Files.delete(photos.resolve("ann.png"));
        Files.delete(photos.resolve("bob.png"));
        Path photo = photos.resolve("cleo.jpg");
        assertThat(align(photo).err()).doesNotContain("did not write").contains("1 crops of 1 images");

        Files.createSymbolicLink(root.resolve("link"), photos);
        out = root.resolve("link");
        assertThat(align(photo).err()).doesNotContain("did not write");
        photograph("photos/ann.png", 1);
        assertThat(align(photo).err())
                .contains(
                        out + " has 1 image file that this run did not write; for training, give the crops a folder of"
                                + " their own")
                .doesNotContain("remove");
    }

    /** A person's folder that is a link is trained on like another. */
    @Test
    void foldersBehindLinksAreSearchedOnce() throws IOException {
        photograph("former/crop.png", 1);
        Files.createDirectories(out);
        Files.createSymbolicLink(out.resolve("ann"), root.resolve("former"));
        Files.createSymbolicLink(root.resolve("former/again"), root.resolve("former"));
        assertThat(align(root.resolve("photos/ann.png")).err())
                .contains(out + " has 1 image file that this run did not write");
    }

    /** Earlier, a home folder was searched to its end, and each folder that cannot be read had a line. */
    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "needs a link that cannot be followed")
    void theSearchIsBounded() throws IOException {
        for (int i = 0; i < 1_010; i++) {
            Files.createFile(Files.createDirectories(out.resolve("folder" + i)).resolve("1.png"));
        }
        assertThat(align(root.resolve("photos")).err()).contains(out + " has at least 1000 image files that this run");

        out = root.resolve("closed");
        for (int i = 0; i < 23; i++) {
            Path closed = Files.createDirectories(out.resolve("folder" + i));
            Files.createSymbolicLink(closed.resolve("x.png"), Path.of("x".repeat(300)));
        }
        assertThat(align(root.resolve("photos")).err().lines().filter(line -> line.startsWith("note: ")))
                .hasSize(21)
                .last()
                .isEqualTo("note: 3 more files or folders cannot be used");
    }
}
