package org.facerecognition.benchmarks;

import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.augment.Presets;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Precision;
import org.facerecognition.synthetic.SyntheticFaces;

/**
 * Measures training steps with the study's settings, in images per second: the complete {@link Trainer}, the same
 * network in a bare libtorch loop, and Python's PyTorch if it is installed, with interleaved rounds in one run. Also
 * measures the time from the start of the JVM to the end of the first step.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar training [ROUNDS [STEPS [DEVICE [BATCH]]]]}; by
 * default 5 rounds of 8 steps on the CPU with 16 images in a batch. With {@code cuda}, the class path needs libtorch's
 * natives for GPUs.
 */
final class TrainingBenchmark {
    private static final String FIRST_STEP = "first-step";
    private static final int PEOPLE = 100;
    private static final int IMAGES_EACH = 8;

    private TrainingBenchmark() {}

    /** Runs the benchmark and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        if (args.length == 2 && args[0].equals(FIRST_STEP)) { // in a child process
            firstStep(Path.of(args[1]));
            return;
        }
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 5;
        int steps = args.length > 1 ? Integer.parseInt(args[1]) : 8;
        ComputeDevice device =
                args.length > 2 ? ComputeDevice.valueOf(args[2].toUpperCase(Locale.ROOT)) : ComputeDevice.CPU;
        TrainingSetup setup = new TrainingSetup(device, args.length > 3 ? Integer.parseInt(args[3]) : 16);
        try (TemporaryFolder temporary = TemporaryFolder.create("training-benchmark")) {
            Path folder = temporary.path();
            writeFaces(folder);
            FaceDataset train = FaceDataset.folders(folder, Split.TRAIN).withAugmentations(Presets.fiveColor());
            FaceDataset validation = FaceDataset.folders(folder, Split.VAL);
            List<Contestant> contestants = new ArrayList<>();
            List<TrainerLoop> trainers = new ArrayList<>();
            for (Precision precision : precisions(device)) {
                contestants.add(new BareLoop(setup, precision, true));
                if (precision == Precision.FP32) {
                    contestants.add(new BareLoop(setup, precision, false));
                }
                trainers.add(new TrainerLoop(setup, precision, train, validation));
                contestants.add(trainers.get(trainers.size() - 1));
                PythonLoop.start(
                                "Python PyTorch %s, channels_last, " + TrainingSetup.name(precision),
                                "train_resnet34.py",
                                setup.pythonDevice(),
                                String.valueOf(setup.batch()),
                                TrainingSetup.name(precision))
                        .ifPresentOrElse(
                                contestants::add,
                                () -> System.out.println(
                                        "skipping Python: no installation with torch and torchvision was found"));
            }
            Rounds results = Rounds.run(contestants, rounds, steps, System.out);
            results.print(
                    System.out,
                    "training step, ResNet-34, 112 px, batch " + setup.batch() + ", " + device,
                    contestants.get(0).name());
            for (TrainerLoop trainer : trainers) {
                System.out.printf(
                        "%nfraction of time that it waited for images, %s: %.2f %%%n",
                        trainer.name(), 100 * trainer.waitFraction());
            }
            System.out.printf(
                    "%nspeed of matrix products on this CPU: fp32 %.0f GFLOP/s, bf16 %.0f GFLOP/s%n",
                    Precision.FP32.gigaflops(), Precision.BF16.gigaflops());
            contestants.forEach(Contestant::close);
            if (device == ComputeDevice.CPU) {
                timeToFirstStep(folder);
            }
        }
    }

    /** Returns fp32, and bf16 unless a CPU emulates it. */
    private static List<Precision> precisions(ComputeDevice device) {
        if (device == ComputeDevice.CPU && Precision.BF16.gigaflops() < Precision.FP32.gigaflops() / 4) {
            System.out.println("skipping bf16: this processor emulates it, which would take minutes per step");
            return List.of(Precision.FP32);
        }
        return List.of(Precision.values());
    }

    /** Writes synthetic faces of about the size of CelebA's images as JPEG files, one folder per person. */
    private static void writeFaces(Path folder) throws IOException {
        SyntheticFaces faces = new SyntheticFaces(0, 200);
        for (int person = 0; person < PEOPLE; person++) {
            Path personFolder = Files.createDirectories(folder.resolve(String.format("person-%03d", person)));
            for (int i = 0; i < IMAGES_EACH; i++) {
                try (Mat image = faces.image(person, i)) {
                    imwrite(personFolder.resolve(i + ".jpg").toString(), image);
                }
            }
        }
    }

    /** Starts three child processes that print the time to their first step. */
    private static void timeToFirstStep(Path folder) throws IOException, InterruptedException {
        for (int i = 0; i < 3; i++) {
            new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            Main.class.getName(),
                            "training",
                            FIRST_STEP,
                            folder.toString())
                    .inheritIO()
                    .start()
                    .waitFor();
        }
    }

    private static void firstStep(Path folder) {
        FaceDataset train = FaceDataset.folders(folder, Split.TRAIN);
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder().build())) {
            new Trainer(TrainerArgs.builder().maxSteps(1).build())
                    .fit(recognizer, train, FaceDataset.folders(folder, Split.VAL));
        }
        long sinceStart = System.currentTimeMillis()
                - ManagementFactory.getRuntimeMXBean().getStartTime();
        System.out.printf("first training step finished %.2f s after the start of the JVM%n", sinceStart / 1e3);
    }
}
