package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.losses.LossName;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.History;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

/**
 * Data, settings and assertions of the GPU tests, which compare results on an NVIDIA GPU with those on the CPU. They
 * need only the class path and are skipped if there is no GPU. With {@code -Dgpu.rehearsal=true} the CPU stands in for
 * the GPU, which checks the tests themselves but no GPU code.
 */
@Tag("gpu")
abstract class GpuFixture {
    static final boolean REHEARSAL = Boolean.getBoolean("gpu.rehearsal");
    static final ComputeDevice GPU = REHEARSAL ? ComputeDevice.CPU : ComputeDevice.CUDA;

    static final int IMAGE_PX = 64;
    static final int EMBEDDING_SIZE = 32;
    static final SyntheticFaces FACES = new SyntheticFaces(0, IMAGE_PX);
    static final FaceDataset TRAIN =
            FaceDataset.synthetic(FACES.identities(0, 6).images(0, 8), Split.TRAIN);
    static final FaceDataset VALIDATION =
            FaceDataset.synthetic(FACES.identities(0, 6).images(8, 10), Split.VAL);
    static final FaceDataset UNSEEN =
            FaceDataset.synthetic(FACES.identities(100, 106).images(0, 4), Split.TEST);
    /** Enough people to show a false accept rate of 0.01, see {@link Recognizer#calibrate(FaceDataset, boolean)}. */
    static final FaceDataset STRANGERS =
            FaceDataset.synthetic(FACES.identities(300, 330).images(0, 3), Split.TEST);

    static final FaceDataset MANY_PEOPLE =
            FaceDataset.synthetic(FACES.identities(200, 224).images(0, 2), Split.TRAIN);

    static {
        Libtorch.load();
    }

    @BeforeAll
    static void assumeGpu() {
        assumeTrue(REHEARSAL || torch.cuda_is_available(), () -> "needs a GPU; " + ComputeDevice.whyNoGpu());
        torch.globalContext().setAllowTF32CuDNN(false); // adaptive optimizers amplify its rounding within a few steps
    }

    /** Trains a model for two epochs on the CPU, so that its embeddings differ between images, and saves it. */
    static void saveTrainedModel(Path file) {
        try (Recognizer recognizer = Recognizer.arcFace(recipe(6).build())) {
            fit(recognizer, TRAIN, args().device(ComputeDevice.CPU).epochs(2));
            recognizer.save(file);
        }
    }

    static RecognizerArgs.Builder recipe(int people) {
        return RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(EMBEDDING_SIZE)
                .classes(people)
                .imageSizePx(IMAGE_PX)
                .s(10.0)
                .m(0.1)
                .seed(1);
    }

    /** Settings of a training run on the GPU: batches of 16, which are 3 steps per epoch of {@link #TRAIN}. */
    static TrainerArgs.Builder args() {
        return TrainerArgs.builder()
                .optimizer(new AdamW(1e-3, 0.01))
                .batchSize(16)
                .epochs(4)
                .device(GPU);
    }

    static History fit(Recognizer recognizer, FaceDataset train, TrainerArgs.Builder args) {
        return new Trainer(args.build()).fit(recognizer, train, null);
    }

    /** Trains a new recognizer and returns the loss of each step. */
    static List<Double> losses(LossName loss, FaceDataset train, TrainerArgs.Builder args) {
        try (Recognizer recognizer =
                Recognizer.withLoss(loss, recipe(train.classes()).build())) {
            return losses(recognizer, train, args);
        }
    }

    static List<Double> losses(Recognizer recognizer, FaceDataset train, TrainerArgs.Builder args) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        fit(recognizer, train, args.listeners(losses));
        return losses.all;
    }

    static double firstLossOnCpu(LossName loss, FaceDataset train, TrainerArgs.Builder args) {
        return losses(loss, train, args.device(ComputeDevice.CPU).maxSteps(1)).get(0);
    }

    static void assertFiniteAndDecreasing(List<Double> losses) {
        assertThat(losses)
                .hasSizeGreaterThan(5)
                .allSatisfy(loss -> assertThat(loss).isFinite());
        assertThat(mean(losses.subList(losses.size() - 3, losses.size()))).isLessThan(mean(losses.subList(0, 3)));
    }

    static double mean(List<Double> values) {
        return values.stream().mapToDouble(value -> value).average().orElseThrow();
    }

    static void assertClose(double actual, double expected, double tolerance) {
        assertThat(actual).isCloseTo(expected, within(tolerance * Math.abs(expected)));
    }

    static float[] values(Tensor tensor) {
        try (PointerScope scope = new PointerScope()) {
            float[] values = new float[(int) tensor.numel()];
            tensor.detach()
                    .to(new Device("cpu"), ScalarType.Float)
                    .contiguous()
                    .data_ptr_float()
                    .get(values);
            return values;
        }
    }

    /** Asserts that no value differs by more than {@code tolerance} of the largest expected magnitude. */
    static void assertClose(float[] actual, float[] expected, double tolerance) {
        double largest = 1e-12;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertSame("values", actual, expected, tolerance * largest);
    }

    static void assertSame(String what, float[] actual, float[] expected, double tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        double difference = 0;
        for (int i = 0; i < actual.length; i++) {
            difference = Math.max(difference, Math.abs(actual[i] - (double) expected[i])); // NaN propagates
        }
        assertThat(difference).as("largest difference of %s", what).isLessThanOrEqualTo(tolerance);
    }
}
