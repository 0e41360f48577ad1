package org.facerecognition.benchmarks;

import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

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
        Arguments arguments = new Arguments(args);
        int rounds = arguments.number(0, "ROUNDS", 1, 5);
        int steps = arguments.number(1, "STEPS", 1, 8);
        ComputeDevice device = args.length > 2
                ? Arguments.oneOf(ComputeDevice.values(), ComputeDevice::name, "DEVICE", args[2])
                : ComputeDevice.CPU;
        TrainingSetup setup = new TrainingSetup(device, arguments.number(3, "BATCH", 1, 16));
        try (TemporaryFolder temporary = TemporaryFolder.create("training-benchmark")) {
            Path folder = temporary.path();
            writeFaces(folder, imagesEach(TrainerLoop.images(steps, setup.batch())));
            FaceDataset train =
                    FaceDataset.folders(folder, Split.TRAIN, 0, 0, 0).withAugmentations(Presets.fiveColor());
            List<Contestant> contestants = new ArrayList<>();
            List<TrainerLoop> trainers = new ArrayList<>();
            for (Precision precision : precisions(device)) {
                contestants.add(new BareLoop(setup, precision, true));
                if (precision == Precision.FP32) {
                    contestants.add(new BareLoop(setup, precision, false));
                }
                trainers.add(new TrainerLoop(setup, precision, train));
                contestants.add(trainers.get(trainers.size() - 1));
                PythonLoop.start(
                                "Python PyTorch %s, channels_last, " + TrainingSetup.name(precision),
                                "train_resnet34.py",
                                setup.pythonDevice(),
                                String.valueOf(setup.batch()),
                                TrainingSetup.name(precision))
                        .ifPresent(contestants::add);
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

    /** Returns how many images each person needs so that one epoch, with the copies, has at least so many. */
    static int imagesEach(int imagesOfAnEpoch) {
        int copies = PEOPLE * (1 + Presets.fiveColor().size());
        return Math.max(IMAGES_EACH, (imagesOfAnEpoch + copies - 1) / copies);
    }

    /** Writes synthetic faces of about the size of CelebA's images as JPEG files, one folder per person. */
    private static void writeFaces(Path folder, int imagesEach) throws IOException {
        SyntheticFaces faces = new SyntheticFaces(0, 200);
        for (int person = 0; person < PEOPLE; person++) {
            Path personFolder = Files.createDirectories(folder.resolve(String.format("person-%03d", person)));
            for (int i = 0; i < imagesEach; i++) {
                try (Mat image = faces.image(person, i)) {
                    imwrite(personFolder.resolve(i + ".jpg").toString(), image);
                }
            }
        }
    }

    /** Starts three child processes that print the time to their first step. */
    private static void timeToFirstStep(Path folder) throws IOException, InterruptedException {
        for (int i = 0; i < 3; i++) {
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            Main.class.getName(),
                            "training",
                            FIRST_STEP,
                            folder.toString())
                    .inheritIO()
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
            int status = process.waitFor();
            if (status != 0) {
                throw new IOException(
                        "the process that measures the time to the first step ended with status " + status);
            }
        }
    }

    private static void firstStep(Path folder) {
        FaceDataset train = FaceDataset.folders(folder, Split.TRAIN);
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder().build())) {
            TrainingListener first = new TrainingListener() {
                @Override
                public void stepped(StepReport step) {
                    long sinceStart = System.currentTimeMillis()
                            - ManagementFactory.getRuntimeMXBean().getStartTime();
                    System.out.printf(
                            "first training step finished %.2f s after the start of the JVM%n", sinceStart / 1e3);
                }
            };
            new Trainer(TrainerArgs.builder().maxSteps(1).listeners(first).build()).fit(recognizer, train);
        }
    }
}
