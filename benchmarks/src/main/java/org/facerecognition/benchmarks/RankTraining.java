package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.SystemMemory;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

/**
 * The main class of a process of a {@link RankGroup}: it trains a network of 100 people at 112 px. After its first
 * epoch, rank 0 prints {@code ready} and then answers each line, a number of steps, with the seconds that they take.
 */
final class RankTraining {
    private static final int PEOPLE = 100;
    private static final int IMAGES_EACH = 4;
    private static final int PX = 112;

    private RankTraining() {}

    /**
     * Takes {@code train BATCH [ENCODER]}, by default a ResNet-18, or {@code sum VALUES}, which prints the seconds of
     * sums of that many numbers.
     */
    public static void main(String[] args) {
        int number = Integer.parseInt(args[1]);
        try (Distributed group = Distributed.fromEnvironment()) {
            if (args[0].equals("sum")) {
                sum(group, number);
            } else {
                train(group, number, args.length > 2 ? Encoder.of(args[2]) : Encoder.RESNET18);
            }
        }
    }

    /** Prints the median of the seconds in which gradients are added up, in the trainer's buckets. */
    private static void sum(Distributed group, int values) {
        List<Double> seconds = new ArrayList<>();
        try (SystemMemory.Reuse memory = SystemMemory.reuse(); // as the trainer has it
                PointerScope scope = new PointerScope()) {
            List<Tensor> buckets = new ArrayList<>();
            for (int left = values; left > 0; left -= 4 << 20) {
                buckets.add(torch.zeros(Math.min(left, 4 << 20)));
            }
            for (int i = 0; i < 15; i++) {
                group.any(false); // all are here
                long start = System.nanoTime();
                group.sum(buckets);
                seconds.add((System.nanoTime() - start) / 1e9);
            }
        }
        if (group.rank() == 0) {
            System.out.println("seconds " + Rounds.median(seconds.subList(5, 15)));
        }
    }

    private static void train(Distributed group, int batch, Encoder encoder) {
        SyntheticFaces faces = new SyntheticFaces(0, PX);
        FaceDataset train = FaceDataset.synthetic(faces.identities(0, PEOPLE).images(0, IMAGES_EACH), Split.TRAIN);
        Trainer[] trainer = new Trainer[1];
        TrainerArgs.Builder settings = TrainerArgs.builder()
                .device(ComputeDevice.CPU)
                .batchSize(batch)
                .loaderThreads(1)
                .epochs(1_000_000)
                .distributed(group);
        if (group.rank() == 0) {
            settings.listeners(new Timer(PEOPLE * IMAGES_EACH / batch, () -> trainer[0].stop()));
        }
        trainer[0] = new Trainer(settings.build());
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(encoder)
                .classes(PEOPLE)
                .imageSizePx(PX)
                .build())) {
            trainer[0].fit(recognizer, train);
        }
    }

    /** Lets the training take as many steps as it is asked for, and says how long they took. */
    private static final class Timer implements TrainingListener {
        private final BufferedReader orders =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        private final int warmUpSteps;
        private final Runnable stop;
        private long left;
        private long start;

        Timer(int warmUpSteps, Runnable stop) {
            this.warmUpSteps = warmUpSteps;
            this.stop = stop;
        }

        @Override
        public void stepped(StepReport step) {
            if (step.step() < warmUpSteps) {
                return;
            }
            if (step.step() == warmUpSteps) {
                System.out.println("ready");
            } else if (--left > 0) {
                return;
            } else {
                System.out.println("seconds " + (System.nanoTime() - start) / 1e9);
            }
            try {
                String line = orders.readLine(); // the other ranks wait
                if (line == null) {
                    stop.run();
                    left = Long.MAX_VALUE;
                } else {
                    left = Long.parseLong(line);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            start = System.nanoTime();
        }
    }
}
