package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.FileNames;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Training on a folder shaped like LFW: thousands of people, most of them with one image, names in any script, and
 * stray files of operating systems.
 */
class LfwShapedFolderTest {
    private static final int PEOPLE = 3_000;
    private static final int WITH_SEVERAL = 900; // people with 2 to 5 images each; the others have one
    private static final int PIXELS = 32;
    private static final int DIFFERENT = 50; // different images
    private static final String[] SCRIPTS = {"Ana López", "李明", "Анна", "محمد", "さくら", "Ólafur Þór", "김하늘", "Ζωή"};

    @TempDir
    static Path root;

    private static void writePeople(Path root) throws IOException {
        List<byte[]> images = new ArrayList<>(); // reused: their content does not matter here
        SyntheticFaces faces = new SyntheticFaces(0, PIXELS);
        for (int i = 0; i < DIFFERENT; i++) {
            images.add(jpeg(faces, i));
        }
        for (int person = 0; person < PEOPLE; person++) {
            Path folder = Files.createDirectory(root.resolve(SCRIPTS[person % SCRIPTS.length] + " " + person));
            int count = person < WITH_SEVERAL ? 2 + person % 4 : 1;
            for (int i = 0; i < count; i++) {
                Files.write(
                        folder.resolve(folder.getFileName() + "_000" + i + ".jpg"),
                        images.get((person + i) % DIFFERENT));
            }
        }
    }

    private static byte[] jpeg(SyntheticFaces faces, int person) {
        try (Mat rgb = faces.image(person, 0);
                Mat bgr = new Mat();
                BytePointer encoded = new BytePointer()) {
            cvtColor(rgb, bgr, COLOR_RGB2BGR);
            imencode(".jpg", bgr, encoded);
            byte[] bytes = new byte[(int) encoded.limit()];
            encoded.get(bytes);
            return bytes;
        }
    }

    private static void writeStrayFiles(Path root) throws IOException {
        Files.write(root.resolve("lfw-names.txt"), new byte[10]);
        Files.write(Files.createDirectory(root.resolve(".ipynb_checkpoints")).resolve("a.jpg"), new byte[10]);
        Files.write(Files.createDirectories(root.resolve("@eaDir/x")).resolve("SYNOFILE_THUMB_M.jpg"), new byte[10]);
        Path person = root.resolve(SCRIPTS[0] + " 0");
        Files.write(person.resolve("._1.jpg"), new byte[10]);
        Files.write(person.resolve("Thumbs.db"), new byte[10]);
        Files.write(person.resolve("IMG_1.HEIC"), new byte[10]);
        Files.createDirectory(root.resolve("empty"));
    }

    @Test
    void trainsAndReportsWhatItLeavesOut(@TempDir Path folder) throws IOException {
        assumeTrue(FileNames.isUnicode(FileNames.charset()), "needs file names in Unicode");
        writePeople(root);
        writeStrayFiles(root);

        Cli.Result result = Cli.run(
                "train",
                "--data",
                root,
                "--layout",
                "folders",
                "--out",
                folder.resolve("model"),
                "--encoder",
                "resnet18",
                "--image-size",
                PIXELS,
                "--embedding-size",
                16,
                "--augmentations",
                "none",
                "--batch-size",
                64,
                "--max-steps",
                4,
                "--json");

        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err())
                .contains("of 3000 identities")
                .contains("2,100 people have one image, which is in training")
                .contains("left out: 1 person without images")
                .contains("passed over: 1 HEIC image (convert them to JPEG), 2 hidden or system folders, 2 hidden")
                .doesNotContain("Exception");
        assertThat(result.json().get("steps").asInt()).isEqualTo(4);
    }
}
