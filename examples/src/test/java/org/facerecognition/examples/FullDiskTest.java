package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code align} and {@code detect} when a later result cannot be written, and none after it. */
class FullDiskTest {
    @TempDir
    Path root;

    /** JavaCPP unpacks its libraries at their first use, which are larger than the files that the test allows. */
    @BeforeAll
    static void unpackLibraries(@TempDir Path folder) throws IOException {
        Path one = new CliData(folder).photograph("one.png", true, 320, 240);
        Cli.Result result = Cli.run("align", "--detector", CliData.DETECTOR, "--out", folder.resolve("crops"), one);
        assertThat(result.code()).as(result.err()).isZero();
    }

    /** Writes a picture with a red square, which is a face, that is plain, or noise and thus larger when compressed. */
    private Path photograph(String name, boolean noise) throws IOException {
        Random random = new Random(0);
        BufferedImage image = new BufferedImage(320, 240, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 320 * 240; i++) {
            boolean square = i % 320 / 8 == 10 && i / 320 / 8 == 15;
            int gray = noise ? random.nextInt(128) : 64;
            image.setRGB(i % 320, i / 320, square ? 0xff0000 : gray * 0x10101);
        }
        Path file = root.resolve(name);
        ImageIO.write(image, "png", file.toFile());
        return file;
    }

    /** Earlier, the command said nothing of what it had written. */
    @Test
    void theSummaryIsOfWhatWasWritten() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs a shell that can limit the size of files");
        Path small = photograph("small.png", false);
        Path large = photograph("large.png", true);
        Path last = photograph("last.png", true);
        for (String command : new String[] {"align", "detect"}) {
            Path out = root.resolve(command);
            Cli.Result full = GalleryFullDiskTest.limited(
                    8, command, "--detector", CliData.DETECTOR, "--out", out, "--json", small, large, last);
            assertThat(full.code()).as(full.err()).isEqualTo(Main.FAILED);
            assertThat(full.err())
                    .contains("error: cannot write " + out.resolve("large.png") + ": File too large; ", " 1 images")
                    .doesNotContain("lacks a result", "last.png");
            assertThat(full.json().get("images")).hasSize(1);
            assertThat(full.json().at("/images/0/image").asText()).isEqualTo(small.toString());
            assertThat(out).isDirectoryContaining(file -> file.endsWith("small.png"));
            assertThat(out.resolve("large.png")).doesNotExist();
        }
    }
}
