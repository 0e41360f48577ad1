package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A training on images in one file goes on after the file was moved. */
class MovedDataTest {
    private static final Path RECORDS = Path.of("src/test/resources/images/recordio");

    @TempDir
    Path folder;

    private Path copy(String name) throws IOException {
        Path copy = Files.createDirectory(folder.resolve(name));
        for (String file : new String[] {"train.rec", "train.idx"}) {
            Files.copy(RECORDS.resolve(file), copy.resolve(file));
        }
        return copy;
    }

    private static FaceDataset data(Path folder) {
        return FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0);
    }

    private int epochs(Path data, int epochs) {
        TrainerArgs args = TinyTraining.args()
                .epochs(epochs)
                .checkpoints(folder.resolve("checkpoints"))
                .resume(true)
                .build();
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            return new Trainer(args).fit(recognizer, data(data)).epochs().size();
        }
    }

    @Test
    void resumesWhereTheDataAreNow() throws IOException {
        assertThat(epochs(copy("here"), 1)).isEqualTo(1);
        assertThat(epochs(copy("elsewhere"), 2)).isEqualTo(2);
    }

    /** They know such images by their former names, with the folder. */
    @Test
    void resumesCheckpointsOfEarlierVersionsWhereTheDataWereThen() throws IOException {
        Path here = copy("here");
        assertThat(epochs(here, 1)).isEqualTo(1);
        Path checkpoint = folder.resolve("checkpoints/last.ckpt");
        String text = Files.readString(checkpoint, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(data(here).fingerprint());
        Files.writeString(
                checkpoint,
                text.replace(data(here).fingerprint(), data(here).formerFingerprint()),
                StandardCharsets.ISO_8859_1);
        Path elsewhere = copy("elsewhere");
        assertThatThrownBy(() -> epochs(elsewhere, 2))
                .hasMessageContaining("the names or labels of the training images are not the same");
        assertThat(epochs(here, 2)).isEqualTo(2);
    }
}
