package org.facerecognition;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.augment.RandomHorizontalFlip;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Split;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.losses.AdaFaceMargin;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.ElasticArcMargin;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.losses.MetricHead;
import org.facerecognition.losses.SemiHardTriplet;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Precision;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.History;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.Score;
import org.facerecognition.train.Sgd;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

/**
 * The main class of a process that trains as one of several and prints each step and its loss. Started by a launcher's
 * environment variables, or alone without them. Ends with code 1 and one sentence when the training fails.
 */
final class RankChild {
    private final Map<String, String> options = new HashMap<>();
    private Runnable stop = () -> {};

    private RankChild(List<String> args) {
        for (String arg : args) {
            String[] nameAndValue = arg.split("=", 2);
            options.put(nameAndValue[0], nameAndValue[1]);
        }
    }

    /**
     * Trains; arguments are options such as {@code steps=20}. Several trainings are separated by {@code then}; the
     * options before the first are for all of them.
     */
    public static void main(String[] args) {
        List<List<String>> parts = new ArrayList<>(List.of(new ArrayList<>()));
        for (String arg : args) {
            if (arg.equals("then")) {
                parts.add(new ArrayList<>(parts.get(0)));
            } else {
                parts.get(parts.size() - 1).add(arg);
            }
        }
        int timeout = new RankChild(parts.get(0)).number("timeout", 60);
        try (Distributed group = Distributed.fromEnvironment(Duration.ofSeconds(timeout))) {
            for (List<String> training : parts.size() == 1 ? parts : parts.subList(1, parts.size())) {
                if (group.rank() == 0) {
                    System.out.println("training " + String.join(" ", training));
                }
                new RankChild(training).train(group);
            }
            if (new RankChild(parts.get(0)).is("memory")) {
                System.out.println("peak MiB of rank " + group.rank() + " " + peakMib());
            }
        } catch (RuntimeException e) {
            System.out.println("error: " + e.getMessage());
            if (Boolean.getBoolean("trace")) {
                e.printStackTrace();
            }
            System.exit(1);
        }
    }

    /** Returns the largest resident size of this process so far, where Linux tells it. */
    private static long peakMib() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
                    .findFirst()
                    .orElse(-1);
        } catch (IOException e) {
            return -1;
        }
    }

    private int number(String name, int fallback) {
        return Integer.parseInt(options.getOrDefault(name, Integer.toString(fallback)));
    }

    private boolean is(String name) {
        return Boolean.parseBoolean(options.getOrDefault(name, "false"));
    }

    private void train(Distributed group) {
        int classes = number("classes" + group.rank(), number("classes", 6));
        int px = number("px", 32);
        SyntheticFaces faces = new SyntheticFaces(0, px);
        FaceDataset train = FaceDataset.synthetic(
                        faces.identities(0, classes).images(0, number("images", 4)), Split.TRAIN)
                .withAugmentations(List.of(new RandomHorizontalFlip(0.5)));
        FaceDataset validation = options.containsKey("photographs")
                ? FaceDataset.folders(Path.of(options.get("photographs")), Split.TRAIN, 0, 0, 0)
                : FaceDataset.synthetic(faces.identities(0, classes).images(9, 10), Split.VAL);
        TrainerArgs.Builder trainer = TrainerArgs.builder()
                .optimizer(new Sgd(Double.parseDouble(options.getOrDefault("lr", "0.02")), 0.9, 5e-4, false))
                .batchSize(number("batch", 8))
                .accumulation(number("accumulation", 1))
                .epochs(number("epochs", 1_000))
                .maxSteps(number("steps", 20))
                .precision(Precision.valueOf(options.getOrDefault("precision", "FP32")))
                .device(device())
                .seed(number("seed" + group.rank(), 0))
                .checkpointEverySteps(number("every", 0))
                .distributed(group)
                .syncBatchNorm(is("sync"))
                .channelsLast(!is("contiguous" + group.rank()))
                .shardHead((is("shard") || is("shard" + group.rank()))
                        && !options.getOrDefault("loss", "").equals("triplet"))
                .gradientClip(number("clip", 0))
                .headFromMeans(is("means"))
                .badImages(options.containsKey("photographs") ? BadImages.SKIP : BadImages.FAIL)
                .listeners(reporting(group));
        if (is("unnamed")) {
            trainer.learningRate((base, step) -> base);
        }
        if (options.containsKey("growing")) {
            trainer.score(new ScoreOfRank(number("growing", 0) == group.rank()));
        }
        if (options.containsKey("freeze")) {
            trainer.freezer(LayerFreezer.byEpoch("encoder", List.of(number("freeze", 0))));
        }
        if (options.containsKey("out")) {
            trainer.checkpoints(Path.of(options.get("out"))).resume(is("resume"));
        }
        try (Recognizer recognizer = recognizer(classes, px)) {
            Trainer fitting = new Trainer(trainer.build());
            stop = is("stopped") ? fitting::stop : () -> {};
            if (number("freeze" + group.rank(), -1) == 0) { // before the first step is 1
                signal("-STOP");
            }
            if (is("refused")) {
                refused(fitting, recognizer, train);
            } else {
                fitting.fit(recognizer, train, is("validate") ? validation : null);
            }
        }
    }

    /** A score that a comparison of settings cannot tell from that of another rank. */
    private static final class ScoreOfRank implements Score {
        private final boolean grows;
        private int calls;

        ScoreOfRank(boolean grows) {
            this.grows = grows;
        }

        @Override
        public String name() {
            return "score";
        }

        @Override
        public double sum(Tensor scores, Tensor labels) {
            calls++;
            return grows ? calls : 0;
        }

        @Override
        public String toString() {
            return name();
        }
    }

    /** Returns the CPU, or the GPU if that is asked for, where sums then have the precision of the CPU's. */
    private ComputeDevice device() {
        ComputeDevice device = ComputeDevice.valueOf(options.getOrDefault("device", "CPU"));
        if (device == ComputeDevice.CUDA) {
            Libtorch.load();
            torch.globalContext().setAllowTF32CuDNN(false);
        }
        return device;
    }

    /** Begins a training that is refused, and saves the recognizer, which must be whole. */
    private void refused(Trainer trainer, Recognizer recognizer, FaceDataset train) {
        try {
            trainer.fit(recognizer, train);
        } catch (IllegalStateException e) {
            Path saved = Path.of(options.get("out"))
                    .resolve("saved-by-" + ProcessHandle.current().pid());
            recognizer.save(saved);
            System.out.println("saved after " + e.getMessage());
        }
    }

    private Recognizer recognizer(int classes, int px) {
        String encoder = options.getOrDefault("encoder", "smooth");
        String loss = options.getOrDefault("loss", "arcface");
        int size = number("embedding", 32);
        if (encoder.equals("smooth")) {
            torch.manual_seed(3);
            Head head = switch (loss) {
                case "triplet" -> new MetricHead(classes, size, new SemiHardTriplet(0.2));
                case "adaface" -> new MarginSoftmax(classes, size, new AdaFaceMargin(8, 0.2));
                case "elastic" -> new MarginSoftmax(classes, size, new ElasticArcMargin(8, 0.2, 0.05));
                default -> new MarginSoftmax(classes, size, new ArcFaceMargin(8, 0.2));
            };
            if (loss.equals("partial")) {
                ((MarginSoftmax) head).setPartialFraction(0.5);
            }
            return Recognizer.of(new SmoothBackbone(size), head, px, Normalization.SYMMETRIC);
        }
        return Recognizer.withLoss(
                loss.equals("arcface") ? LossName.ARCFACE : LossName.CROSS_ENTROPY,
                RecognizerArgs.builder()
                        .encoder(Encoder.valueOf(encoder.toUpperCase(Locale.ROOT)))
                        .embeddingSize(size)
                        .classes(classes)
                        .imageSizePx(px)
                        .s(16)
                        .m(0.2)
                        .build());
    }

    /** Prints the steps of rank 0; and makes a rank fail or sleep before a step, where that is asked for. */
    private TrainingListener reporting(Distributed group) {
        return new TrainingListener() {
            private boolean slept;

            @Override
            public void checkpointSaved(Path file) {
                if (!slept && options.containsKey("slow")) {
                    slept = true;
                    sleep(number("slow", 0));
                }
            }

            @Override
            public void passed(String what, int done, int images) {
                stop.run();
            }

            @Override
            public void epochEnded(EpochReport epoch, History soFar) {
                if (options.containsKey("photographs") && group.rank() == 0) {
                    System.out.println(1_000 + " " + epoch.valLoss());
                    System.out.println(1_001 + " " + (1 + epoch.valAccuracy()));
                }
            }

            @Override
            public void skipped(Map<String, String> images) {
                System.out.println("skipped " + new TreeMap<>(images));
            }

            @Override
            public void stepped(StepReport step) {
                if (group.rank() == 0 || is("all")) {
                    System.out.println(step.step() + " " + step.loss());
                }
                if (step.step() == number("fail" + group.rank(), -1)) {
                    throw new IllegalStateException("the disk of this rank is full");
                }
                if (step.step() == number("halt" + group.rank(), -1)) {
                    Runtime.getRuntime().halt(137);
                }
                if (step.step() == number("freeze" + group.rank(), -1)) {
                    signal("-STOP");
                }
                if (step.step() == number("kill" + group.rank(), -1)) {
                    killOnce();
                }
                if (step.step() == number("sleep" + group.rank(), -1)) {
                    sleep(1_000_000);
                }
            }
        };
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Kills this process, unless a process has been killed before. */
    private void killOnce() {
        Path mark = Path.of(options.get("mark"));
        if (Files.exists(mark)) {
            return;
        }
        try {
            Files.createFile(mark);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        signal("-9");
    }

    private static void signal(String signal) {
        try {
            String pid = Long.toString(ProcessHandle.current().pid());
            new ProcessBuilder("kill", signal, pid).start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        sleep(1_000_000);
    }
}
