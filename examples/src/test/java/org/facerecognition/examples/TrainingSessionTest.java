package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingSessionTest {
    @TempDir
    Path folder;

    /** It spoke of a checkpoint of an earlier step, also where there was none, and where it was of the last step. */
    @Test
    void saysWhatIsLostWhenStoppingTakesTooLong() throws IOException {
        try (TrainingSession session = new TrainingSession(folder, new PrintWriter(Writer.nullWriter()), "{}")) {
            assertThat(session.whatIsLost(true))
                    .isEqualTo("stopping took too long; the training is lost: there is no checkpoint");
            Files.createFile(folder.resolve("last.ckpt"));
            assertThat(session.whatIsLost(true))
                    .isEqualTo("stopping took too long; what was done after last.ckpt was written is lost");
            assertThat(session.whatIsLost(false)).endsWith("there is no checkpoint");
        }
    }

    /** After the training, a step was named that there was not. */
    @Test
    void saysWhenItStops() throws IOException {
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(8)
                .classes(2)
                .imageSizePx(32)
                .build();
        FaceDataset faces =
                FaceDataset.synthetic(new SyntheticFaces(0, 32).identities(0, 2).images(0, 2), Split.TRAIN);
        try (TrainingSession session = new TrainingSession(folder, new PrintWriter(Writer.nullWriter()), "{}");
                Recognizer recognizer = Recognizer.arcFace(args)) {
            assertThat(session.stopping(true))
                    .isEqualTo("stopping after this step, with a checkpoint in " + folder + "; continue with --resume");
            session.run(recognizer, TrainerArgs.builder().batchSize(4).maxSteps(1), faces, null);
            assertThat(session.stopping(true)).isEqualTo("stopping when the results are written");
        }
    }
}
