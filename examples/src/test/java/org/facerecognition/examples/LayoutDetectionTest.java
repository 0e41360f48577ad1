package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.facerecognition.data.DataException;
import org.facerecognition.examples.DataOptions.Layout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Earlier, a folder of people was read as CelebA-500 without --layout. */
class LayoutDetectionTest {
    @TempDir
    private Path root;

    private Path folder(String... names) throws IOException {
        Path folder = Files.createTempDirectory(root, "data");
        for (String name : names) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.writeString(file, "x");
        }
        return folder;
    }

    @Test
    void detectsTheLayoutByFileNames() throws IOException {
        assertThat(LayoutDetection.of(folder("ann/1.jpg", "bob/1.jpg"))).containsExactly(Layout.FOLDERS);
        assertThat(LayoutDetection.of(folder("celebA_imgs/1.jpg", "celebA_anno.txt", "celebA_train_split.txt")))
                .containsExactly(Layout.CELEBA500);
        assertThat(LayoutDetection.of(folder("train.rec", "train.idx", "property", "lfw.bin")))
                .containsExactly(Layout.RECORDIO);
        assertThat(LayoutDetection.of(folder("faces.pack").resolve("faces.pack")))
                .containsExactly(Layout.PACKED);
        assertThat(LayoutDetection.of(folder("train.rec", "ann/1.jpg")))
                .containsExactly(Layout.RECORDIO, Layout.FOLDERS);
    }

    @Test
    void explainsThatNoLayoutFits() throws IOException {
        Path loose = folder("1.jpg", "2.jpg");
        assertThatThrownBy(() -> LayoutDetection.of(loose))
                .isInstanceOf(DataException.class)
                .hasMessage("data folder " + loose + " must have one folder of images per person (--layout folders),"
                        + " celebA_anno.txt (celeba500) or train.rec (recordio), or be a file that the pack command"
                        + " wrote (packed), but has only 2 images outside the folders of people");
        assertThatThrownBy(() -> LayoutDetection.of(folder())).hasMessageEndingWith("but is empty");
        Path nowhere = root.resolve("nowhere");
        assertThatThrownBy(() -> LayoutDetection.of(nowhere)).hasMessage("data folder " + nowhere + " does not exist");
    }

    @Test
    void reportsTheLayoutOnceAndRecordsIt() throws IOException {
        Path faces = Cli.faces(root.resolve("faces"));
        Path out = root.resolve("model");
        Object[] words = {"--encoder", "mobilefacenet", "--image-size", 112, "--augmentations", "none", "--max-steps", 1
        };
        var line = Cli.trainWords(faces, out, words);
        line.removeAll(java.util.List.of("--layout", "folders"));
        Cli.Result result = Cli.run(line.toArray());
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).containsOnlyOnce("layout: folders, detected; --layout overrides it");
        assertThat(new ObjectMapper()
                        .readTree(out.resolve("args.json").toFile())
                        .get("--layout")
                        .asText())
                .isEqualToIgnoringCase("folders");
    }
}
