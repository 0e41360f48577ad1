package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tests that closing a recognizer lets running calls finish and rejects later ones. */
class RecognizerLifeTest {
    private static final String CLOSED_MESSAGE = "this recognizer is closed";

    @TempDir
    Path folder;

    @Test
    @Timeout(120)
    void runningCallsFinishAndLaterOnesAreRejected() throws Exception {
        try (Mat face = SquareFaces.photo(TinyTraining.IMAGE_PX, TinyTraining.IMAGE_PX, 1)) {
            Supplier<Recognizer> maker = TinyTraining::recognizer;
            Races.closedWhileUsed(10, maker, recognizer -> recognizer.embed(face), CLOSED_MESSAGE);
        }
    }

    @Test
    void everyCallIsRejectedWithTheSameMessage() {
        Recognizer recognizer = TinyTraining.recognizer();
        recognizer.close();
        recognizer.close(); // has no effect
        try (Mat face = SquareFaces.photo(TinyTraining.IMAGE_PX, TinyTraining.IMAGE_PX, 1)) {
            List<Runnable> calls = List.of(
                    () -> recognizer.embed(face),
                    () -> recognizer.save(folder.resolve("closed.model")),
                    recognizer::prepare,
                    recognizer::fingerprint,
                    () -> recognizer.to(ComputeDevice.CPU),
                    () -> TinyTraining.fit(
                            recognizer, TinyTraining.writeFaces(folder.resolve("faces")), TinyTraining.args()));
            for (Runnable call : calls) {
                assertThatThrownBy(call::run)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage(CLOSED_MESSAGE);
            }
        }
    }

    @Test
    void rejectsClosingWithinItsOwnTraining() {
        Path faces = TinyTraining.writeFaces(folder.resolve("faces"));
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TrainingListener closing = new TrainingListener() {
                @Override
                public void stepped(StepReport step) {
                    recognizer.close();
                }
            };
            assertThatThrownBy(() -> TinyTraining.fit(
                            recognizer, faces, TinyTraining.args().listeners(closing)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(
                            "this recognizer must not be closed within a call that uses it; close it after that call");
            assertThat(recognizer.fingerprint()).hasSize(16);
        }
    }
}
