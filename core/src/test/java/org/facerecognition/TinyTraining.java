package org.facerecognition;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.augment.Transform;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Split;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.History;
import org.facerecognition.train.LearningRate;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

/** Trains {@link TinyBackbone} on a folder of colored noise: five people, who differ in color. */
final class TinyTraining {
    static final int PEOPLE = 5;
    static final int IMAGES_EACH = 10;
    static final int IMAGE_PX = 40;

    /** Adds random noise to each channel. */
    record Noise(int amplitude) implements Transform {
        @Override
        public Mat apply(Mat image, RandomGenerator random) {
            byte[] bytes = new byte[(int) (image.total() * 3)];
            image.data().get(bytes);
            for (int i = 0; i < bytes.length; i++) {
                int value = (bytes[i] & 0xff) + random.nextInt(-amplitude, amplitude + 1);
                bytes[i] = (byte) Math.max(0, Math.min(255, value));
            }
            Mat noisy = new Mat(image.rows(), image.cols(), CV_8UC3);
            noisy.data().put(bytes);
            return noisy;
        }
    }

    private TinyTraining() {}

    /**
     * Writes {@link #IMAGES_EACH} images of each person into a folder per person, the same on every call; returns root.
     */
    static Path writeFaces(Path root) {
        Random random = new Random(1);
        try {
            for (int person = 0; person < PEOPLE; person++) {
                Path folder = Files.createDirectories(root.resolve("person" + person));
                int[] color = {random.nextInt(60, 200), random.nextInt(60, 200), random.nextInt(60, 200)};
                for (int i = 0; i < IMAGES_EACH; i++) {
                    byte[] bytes = new byte[IMAGE_PX * IMAGE_PX * 3];
                    for (int b = 0; b < bytes.length; b++) {
                        bytes[b] = (byte) (color[b % 3] + random.nextInt(-40, 40));
                    }
                    try (Mat image = new Mat(IMAGE_PX, IMAGE_PX, CV_8UC3)) {
                        image.data().put(bytes);
                        imwrite(folder.resolve(i + ".png").toString(), image);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return root;
    }

    static FaceDataset train(Path faces) {
        return FaceDataset.folders(faces, Split.TRAIN).withAugmentations(List.of(new Noise(20)));
    }

    static FaceDataset validation(Path faces) {
        return FaceDataset.folders(faces, Split.VAL);
    }

    /** Returns a new recognizer with the same initial weights on every call. */
    static Recognizer recognizer() {
        return recognizer(10, 0.1);
    }

    static MarginSoftmax head() {
        return new MarginSoftmax(PEOPLE, 16, new ArcFaceMargin(10, 0.1));
    }

    static Recognizer recognizer(double s, double m) {
        torch.manual_seed(3);
        MarginSoftmax head = new MarginSoftmax(PEOPLE, 16, new ArcFaceMargin(s, m));
        return Recognizer.of(new TinyBackbone(16), head, IMAGE_PX, Normalization.SYMMETRIC);
    }

    /** Settings of a run on the CPU: 80 samples in batches of 8, which are 10 steps per epoch. */
    static TrainerArgs.Builder args() {
        return TrainerArgs.builder()
                .optimizer(new AdamW(3e-3, 0.01))
                .learningRate(LearningRate.cosineWarmRestarts(2, 1, 1e-4))
                .batchSize(8)
                .epochs(3)
                .device(ComputeDevice.CPU);
    }

    /** Trains a new recognizer and returns the loss of each step. */
    static List<Double> losses(Path faces, TrainerArgs.Builder args) {
        Losses losses = new Losses();
        try (Recognizer recognizer = recognizer()) {
            new Trainer(args.listeners(losses).build()).fit(recognizer, train(faces), validation(faces));
        }
        return losses.all;
    }

    static History fit(Recognizer recognizer, Path faces, TrainerArgs.Builder args) {
        return new Trainer(args.build()).fit(recognizer, train(faces), validation(faces));
    }

    /** Returns all parameters and buffers by name, as float32. */
    static Map<String, float[]> weights(Recognizer recognizer) {
        Map<String, float[]> values = new LinkedHashMap<>();
        try (PointerScope scope = new PointerScope()) {
            ModelFiles.tensors(recognizer.net()).forEach((name, tensor) -> {
                Tensor flat = tensor.detach().to(torch.ScalarType.Float).contiguous();
                float[] copy = new float[(int) flat.numel()];
                flat.data_ptr_float().get(copy);
                values.put(name, copy);
            });
        }
        return values;
    }

    /** Records the loss of each step. */
    static final class Losses implements TrainingListener {
        final List<Double> all = new ArrayList<>();

        @Override
        public void stepped(StepReport step) {
            all.add(step.loss());
        }
    }
}
