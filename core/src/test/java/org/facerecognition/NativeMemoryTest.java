package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Tests that training does not leak native memory. */
class NativeMemoryTest {
    private static final int WARM_UP_STEPS = 300;
    private static final int STEPS = 1_000;

    /** Runs in a child JVM whose whole heap is committed at the start, so that any growth is native memory. */
    @Test
    void aThousandStepsLeakNoNativeMemory(@TempDir Path faces) throws Exception {
        TinyTraining.writeFaces(faces);
        String[] figures = run(NativeMemoryTest.class, faces).split(" ");

        assertThat(Long.parseLong(figures[0]))
                .as("growth in native objects")
                .isLessThan(20); // an image that is being processed
        assertThat(Long.parseLong(figures[1])).as("growth in MiB").isLessThan(32);
    }

    /** Steps allocate the same memory again and again: taking it from the operating system each time is slow. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void memoryFreedInAStepIsKeptForTheNextAndGivenBackInTheEnd(@TempDir Path faces) throws Exception {
        TinyTraining.writeFaces(faces);
        String[] figures = run(FreesBlocks.class, faces).split(" ");

        assertThat(Long.parseLong(figures[0])).as("MiB kept in a step").isGreaterThan(20);
        assertThat(Long.parseLong(figures[1])).as("MiB kept after the training").isLessThan(10);
    }

    /** Returns the first line that the main method of a class prints in a process of its own. */
    private static String run(Class<?> main, Path faces) throws IOException, InterruptedException {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Xms192m",
                        "-Xmx192m",
                        "-XX:+AlwaysPreTouch",
                        "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName(),
                        faces.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader out = child.inputReader()) {
            String line = out.readLine();
            assertThat(child.waitFor()).isZero();
            return line;
        }
    }

    /**
     * Trains on the faces in the folder that the argument names, and prints the growth in native objects and in MiB.
     */
    public static void main(String[] args) {
        long[] pointers = new long[2];
        long[] bytes = new long[2];
        TrainingListener listener = new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                if (step.step() == WARM_UP_STEPS || step.step() == WARM_UP_STEPS + STEPS) {
                    int index = step.step() == WARM_UP_STEPS ? 0 : 1;
                    pointers[index] = Pointer.totalCount();
                    bytes[index] = Pointer.physicalBytes();
                }
            }
        };
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TrainerArgs.Builder trainer = TinyTraining.args()
                    .epochs(1_000)
                    .maxSteps(WARM_UP_STEPS + STEPS)
                    .listeners(listener);
            TinyTraining.fit(recognizer, Path.of(args[0]), trainer);
        }
        System.out.println((pointers[1] - pointers[0]) + " " + ((bytes[1] - bytes[0]) >> 20));
    }

    /** Prints the MiB of resident memory that a block freed in a step leaves, in the step and after the training. */
    static final class FreesBlocks {
        private FreesBlocks() {}

        public static void main(String[] args) {
            long[] bytes = new long[2];
            TrainingListener listener = new TrainingListener() {
                @Override
                public void stepped(StepReport step) {
                    if (step.step() == 20) {
                        bytes[0] = Pointer.physicalBytes();
                        torch.ones(30 << 18).close(); // 30 MiB
                        bytes[1] = Pointer.physicalBytes();
                    }
                }
            };
            try (Recognizer recognizer = TinyTraining.recognizer()) {
                TrainerArgs.Builder trainer =
                        TinyTraining.args().epochs(100).maxSteps(20).listeners(listener);
                TinyTraining.fit(recognizer, Path.of(args[0]), trainer);
                long after = Pointer.physicalBytes();
                System.out.println(((bytes[1] - bytes[0]) >> 20) + " " + ((after - bytes[0]) >> 20));
            }
        }
    }
}
