package org.facerecognition;

import java.nio.file.Path;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

/** The main class of a child process that trains and prints the loss of each step, and that a test stops or kills. */
final class TrainingChild {
    private TrainingChild() {}

    /**
     * Trains; arguments: folder of faces, checkpoint folder, number of steps, loader threads, resume, steps between
     * checkpoints; optionally a number of a step after which another thread ends the JVM with code 7.
     */
    public static void main(String[] args) {
        int exitAfter = args.length > 6 ? Integer.parseInt(args[6]) : -1;
        TrainerArgs.Builder trainer = TinyTraining.args()
                .epochs(1_000_000)
                .maxSteps(Long.parseLong(args[2]))
                .checkpoints(Path.of(args[1]))
                .loaderThreads(Integer.parseInt(args[3]))
                .resume(Boolean.parseBoolean(args[4]))
                .checkpointEverySteps(Integer.parseInt(args[5]))
                .listeners(new TrainingListener() {
                    @Override
                    public void stepped(StepReport step) {
                        System.out.println(step.step() + " " + step.loss());
                        if (step.step() == exitAfter) {
                            new Thread(() -> System.exit(7)).start();
                        }
                    }
                });
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(recognizer, Path.of(args[0]), trainer);
        } catch (RuntimeException e) {
            System.out.println("error: " + e.getMessage());
            System.exit(1);
        }
    }
}
