package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Parts of the data that cannot be read, and files of the data that must not be written. */
class DataPartsTest {
    private static final int END_BYTES = 24; // of a pack

    @TempDir
    private Path folder;

    /** Gives all images of a part of a pack a person that the pack does not have. */
    private static void damage(Path pack, int part) throws IOException {
        byte[] whole = Files.readAllBytes(pack);
        ByteBuffer bytes = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN);
        int end = whole.length - END_BYTES;
        int begin = (int) bytes.getLong(end);
        String index = new String(whole, begin, end - begin, StandardCharsets.UTF_8);
        byte[] damaged =
                index.replaceAll("\\d," + part + ",\"", "9," + part + ",\"").getBytes(StandardCharsets.UTF_8);
        CRC32 checksum = new CRC32();
        checksum.update(damaged);
        bytes.put(begin, damaged).putInt(end + 12, (int) checksum.getValue());
        Files.write(pack, whole);
    }

    /** A pack without validation was written, and a training ran without it, with exit code 0. */
    @Test
    void aPartThatCannotBeReadIsNotTakenForAnEmptyOne() throws IOException {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path pack = folder.resolve("faces.pack");
        assertThat(Cli.run("pack", "--data", faces, "--out", pack).code()).isZero();
        damage(pack, 1);
        Path again = folder.resolve("again.pack");
        for (Cli.Result result : new Cli.Result[] {
            Cli.run("pack", "--data", pack, "--out", again),
            Cli.run("pack", "--data", pack, "--out", again, "--min-images", 2),
            Cli.train(pack, folder.resolve("model"), "--max-steps", 1, "--layout", "packed")
        }) {
            assertThat(result.code()).isEqualTo(1);
            assertThat(result.err()).contains("the index of pack " + pack + " is damaged");
        }
        assertThat(again).doesNotExist();
    }

    @Test
    void aPartWithoutImagesIsLeftOut() {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path pack = folder.resolve("faces.pack");
        Cli.Result packed = Cli.run("pack", "--data", faces, "--out", pack, "--val-fraction", 0);
        assertThat(packed.code()).as(packed.err()).isZero();
        Cli.Result again = Cli.run("pack", "--data", pack, "--out", folder.resolve("again.pack"));
        assertThat(again.code()).as(again.err()).isZero();
        assertThat(again.err()).contains("TRAIN: 18 samples").doesNotContain("VAL");
    }

    @Test
    void filesOfAPackAreNotWrittenOverImages() throws IOException {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path image = faces.resolve("person0/face-2-of-2.png");
        Files.move(faces.resolve("person0/0.png"), image);
        byte[] before = Files.readAllBytes(image);
        Cli.Result packed = Cli.run("pack", "--data", faces, "--out", faces.resolve("person0/face.png"), "--shards", 2);
        assertThat(packed.code()).isEqualTo(2);
        assertThat(packed.err()).contains("that the images come from, but one is " + image);
        assertThat(image).hasBinaryContent(before);
        Cli.Result tooMany = Cli.run("pack", "--data", faces, "--out", folder.resolve("x"), "--shards", 1_000_000);
        assertThat(tooMany.code()).isEqualTo(2);
        assertThat(tooMany.err()).contains("--shards must be at most 18, the number of images, but was 1000000");
    }

    /** The names of CelebA's images do not begin with their folder, and its lists are no images. */
    @Test
    void filesOfCelebaAreNotWrittenOver() throws IOException {
        Path faces = Cli.faces(folder.resolve("faces"), 1, 2);
        Path celeba = Files.createDirectories(folder.resolve("celeba"));
        Files.move(faces.resolve("person0"), celeba.resolve("celebA_imgs"));
        Files.writeString(celeba.resolve("celebA_anno.txt"), "0.png 0\n1.png 0\n");
        Files.writeString(celeba.resolve("celebA_train_split.txt"), "0.png 0\n1.png 1\n");
        for (String file : new String[] {"celebA_imgs/1.png", "celebA_anno.txt", "celebA_train_split.txt"}) {
            Path out = celeba.resolve(file);
            for (String command : new String[] {"pack", "augment"}) {
                Cli.Result result = Cli.run(command, "--data", celeba, "--out", out);
                assertThat(result.code()).as(result.err()).isEqualTo(2);
                assertThat(result.err())
                        .contains("--out must not be a file that is read, which it would replace, but was " + out);
            }
        }
    }
}
