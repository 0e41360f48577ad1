package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeMemoryTest {
    private static final int WARM_UP_STEPS = 300;
    private static final int STEPS = 1_000;

    /** In a JVM of its own, whose heap is all there from the start: what grows is native. */
    @Test
    void aThousandStepsLeaveNothingBehind(@TempDir Path faces) throws Exception {
        TinyTraining.writeFaces(faces);
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xms192m",
                        "-Xmx192m",
                        "-XX:+AlwaysPreTouch",
                        "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                        "-cp",
                        System.getProperty("java.class.path"),
                        NativeMemoryTest.class.getName(),
                        faces.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String[] figures;
        try (BufferedReader out = child.inputReader()) {
            figures = out.readLine().split(" ");
        }
        assertThat(child.waitFor()).isZero();

        assertThat(Long.parseLong(figures[0]))
                .as("native objects more than before")
                .isLessThan(20); // an image in work
        assertThat(Long.parseLong(figures[1])).as("MiB more than before").isLessThan(32);
    }

    public static void main(String[] args) {
        long[] pointers = new long[2];
        long[] bytes = new long[2];
        TrainingListener watch = new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                if (step.step() == WARM_UP_STEPS || step.step() == WARM_UP_STEPS + STEPS) {
                    int at = step.step() == WARM_UP_STEPS ? 0 : 1;
                    pointers[at] = Pointer.totalCount();
                    bytes[at] = Pointer.physicalBytes();
                }
            }
        };
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TrainerArgs.Builder trainer = TinyTraining.args()
                    .epochs(1_000)
                    .maxSteps(WARM_UP_STEPS + STEPS)
                    .listeners(watch);
            TinyTraining.fit(recognizer, Path.of(args[0]), trainer);
        }
        System.out.println((pointers[1] - pointers[0]) + " " + ((bytes[1] - bytes[0]) >> 20));
    }
}
