package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Processors;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
class BusyNeighborsTrainingTest {
    private static final long MAX_NANOS = 90_000_000_000L;

    @TempDir
    Path faces;

    /** A training said nothing, whatever it lost to other programs. */
    @EnabledIfSystemProperty(
            named = "tests.long",
            matches = "true",
            disabledReason = "trains for 20 seconds; run it with -Dtests.long=true")
    @Test
    void aTrainingSaysThatOtherProgramsSlowItDown() throws IOException {
        List<Process> loops = new ArrayList<>();
        Libtorch.load();
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
                loops.add(new ProcessBuilder("sh", "-c", "while :; do :; done").start());
            }
            Libtorch.setThreads(2);
            assertThat(notes(recognizer))
                    .anySatisfy(note -> assertThat(note)
                            .startsWith("other programs use ")
                            .contains(" the 2 threads of this training ", "--compute-threads 1,"));
        } finally {
            Libtorch.setThreads(Processors.count());
            loops.forEach(Process::destroyForcibly);
        }
    }

    /** Trains until there is a note on other programs, or for too long. */
    private List<String> notes(Recognizer recognizer) {
        List<String> notes = new ArrayList<>();
        Trainer[] trainer = new Trainer[1];
        long start = System.nanoTime();
        trainer[0] = new Trainer(TinyTraining.args()
                .epochs(1_000_000)
                .listeners(new TrainingListener() {
                    @Override
                    public void stepped(StepReport step) {
                        if (!notes.isEmpty() || System.nanoTime() - start > MAX_NANOS) {
                            trainer[0].stop();
                        }
                    }

                    @Override
                    public void noted(String message) {
                        if (message.startsWith("other programs")) {
                            notes.add(message);
                        }
                    }
                })
                .build());
        trainer[0].fit(recognizer, TinyTraining.train(TinyTraining.writeFaces(faces)));
        return notes;
    }
}
