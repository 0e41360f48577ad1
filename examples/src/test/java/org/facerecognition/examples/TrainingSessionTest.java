package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
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
}
