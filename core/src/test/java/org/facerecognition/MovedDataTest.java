package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

    /** Trains up to an epoch, and returns the losses of the steps. */
    private List<Double> losses(Path data, int epochs, String checkpoints) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        TrainerArgs args = TinyTraining.args()
                .epochs(epochs)
                .checkpoints(folder.resolve(checkpoints))
                .resume(true)
                .listeners(losses)
                .build();
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThat(new Trainer(args).fit(recognizer, data(data)).epochs()).hasSize(epochs);
        }
        return losses.all;
    }

    @Test
    void resumesWhereTheDataAreNow() throws IOException {
        Path here = copy("here");
        List<Double> losses = new ArrayList<>(losses(here, 1, "moved"));
        losses.addAll(losses(copy("elsewhere"), 2, "moved"));
        assertThat(losses).isNotEmpty().isEqualTo(losses(here, 2, "unmoved"));
    }

    /** They know such images by their former names, with the folder. */
    @Test
    void resumesCheckpointsOfEarlierVersionsWhereTheDataWereThen() throws IOException {
        Path here = copy("here");
        List<Double> losses = new ArrayList<>(losses(here, 1, "former"));
        Path checkpoint = folder.resolve("former/last.ckpt");
        String text = Files.readString(checkpoint, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(data(here).fingerprint());
        Files.writeString(
                checkpoint,
                text.replace(data(here).fingerprint(), data(here).formerFingerprint()),
                StandardCharsets.ISO_8859_1);
        Path elsewhere = copy("elsewhere");
        assertThatThrownBy(() -> losses(elsewhere, 2, "former"))
                .hasMessageContaining("the names or labels of the training images are not the same");
        losses.addAll(losses(here, 2, "former"));
        assertThat(losses).isEqualTo(losses(here, 2, "today"));
    }
}
