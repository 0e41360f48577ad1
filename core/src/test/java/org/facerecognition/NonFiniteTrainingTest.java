package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Normalization;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.train.BatchEmbeddingStats;
import org.facerecognition.train.LearningRate;
import org.facerecognition.train.NonFiniteLossException;
import org.facerecognition.train.ScheduleUnit;
import org.facerecognition.train.Sgd;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests that NaN and infinite values stop training before they overwrite a good checkpoint. */
class NonFiniteTrainingTest {
    private static final int STEPS_PER_EPOCH = 10;

    @TempDir
    static Path faces;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    /** A head whose loss is finite in one step although its gradient is not: it adds the square root of zero. */
    private static final class SqrtOfZero extends Head {
        private final LinearSoftmax inner;
        private final int nonFiniteForward;
        private int forwards; // in training mode

        SqrtOfZero(int nonFiniteForward) {
            super("SqrtOfZero", TinyTraining.PEOPLE, 16);
            this.inner = register_module("inner", new LinearSoftmax(TinyTraining.PEOPLE, 16));
            this.nonFiniteForward = nonFiniteForward;
        }

        @Override
        public Output forward(Tensor embeddings, Tensor labels) {
            Output output = inner.forward(embeddings, labels);
            if (!is_training() || ++forwards != nonFiniteForward) {
                return output;
            }
            Tensor zero = embeddings.mul(new Scalar(0.0)).sum();
            return new Output(output.loss().add(zero.sqrt()), output.scores());
        }

        @Override
        public Tensor scores(Tensor embeddings) {
            return inner.scores(embeddings);
        }
    }

    private static Recognizer recognizer(int nonFiniteForward) {
        return Recognizer.of(
                new TinyBackbone(16), new SqrtOfZero(nonFiniteForward), TinyTraining.IMAGE_PX, Normalization.SYMMETRIC);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 5})
    void nonFiniteGradientInTheLastStepOfAnEpochKeepsTheLastCheckpoint(double clip) throws IOException {
        TrainerArgs.Builder args = TinyTraining.args()
                .checkpoints(folder)
                .epochs(2)
                .gradientClip(clip)
                .checkpointEverySteps(4);
        try (Recognizer recognizer = recognizer(2 * STEPS_PER_EPOCH)) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args))
                    .isInstanceOf(NonFiniteLossException.class)
                    .hasMessageStartingWith("gradients must stay finite, but that of encoder.")
                    .hasMessageContaining(" in epoch 2, step 20, at learning rate ")
                    .hasMessageContaining("try a lower learning rate, gradient clipping")
                    .hasMessageEndingWith(folder.resolve("last.ckpt") + " holds the training as it was after step 16");
        }
        assertThat(files()).containsExactlyInAnyOrder("last.ckpt", "best.ckpt");
        try (Recognizer again = recognizer(0)) {
            assertThat(TinyTraining.fit(again, faces, args.resume(true)).steps())
                    .isEqualTo(2 * STEPS_PER_EPOCH);
        }
    }

    @Test
    void overflowingWeightsInTheLastStepOfAnEpochAreNotSaved() throws IOException {
        TrainerArgs.Builder args = TinyTraining.args()
                .checkpoints(folder)
                .epochs(1)
                .optimizer(new Sgd(1e-3, 0, 0))
                .learningRate(new OverflowInTheLastStep(), ScheduleUnit.STEP)
                .checkpointEverySteps(9);
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args))
                    .isInstanceOf(NonFiniteLossException.class)
                    .hasMessageMatching(
                            "all values must stay finite to be kept, but after step 10 some of model\\.\\S+ are NaN or"
                                    + " infinite, though the loss was .*")
                    .hasMessageEndingWith("last.ckpt holds the training as it was after step 9");
        }
        assertThat(files()).containsExactly("last.ckpt");
    }

    /** Where nothing is written, nothing was checked: the model could be saved, but not loaded. */
    @Test
    void overflowingWeightsOfTheLastStepAreReportedWithoutAFolderToo() {
        TrainerArgs.Builder args = TinyTraining.args()
                .epochs(1)
                .optimizer(new Sgd(1e-3, 0, 0))
                .learningRate(new OverflowInTheLastStep(), ScheduleUnit.STEP);
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args))
                    .isInstanceOf(NonFiniteLossException.class)
                    .hasMessageStartingWith("all values must stay finite to be kept, but after step 10 some of ");
        }
    }

    /** NaN as a rate destroyed all weights, and the message advised a lower one. */
    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, -1e-3})
    void aScheduleWithoutARateIsReportedBeforeItChangesWeights(double rate) throws IOException {
        LearningRate schedule = LearningRate.named("odd", (base, step) -> step == 3 ? rate : base);
        TrainerArgs.Builder args =
                TinyTraining.args().checkpoints(folder).epochs(1).learningRate(schedule, ScheduleUnit.STEP);
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, args))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("the schedule \"odd\" gives " + rate + " at step 4");
            recognizer.save(folder.resolve("saved.model"));
        }
        Recognizer.load(folder.resolve("saved.model"), new TinyBackbone(16), TinyTraining.head())
                .close();
    }

    private record OverflowInTheLastStep() implements LearningRate {
        @Override
        public double at(double baseRate, long step) {
            return step == STEPS_PER_EPOCH - 1 ? Double.MAX_VALUE : baseRate;
        }
    }

    @Test
    void gradientsOfAFailedTrainingDoNotReachTheNextOne() {
        List<Double> undisturbed;
        try (Recognizer recognizer = recognizer(0)) {
            undisturbed = losses(recognizer);
        }
        try (Recognizer recognizer = recognizer(2)) { // fails in the second batch, before the first step
            assertThatThrownBy(() -> TinyTraining.fit(
                            recognizer, faces, TinyTraining.args().accumulation(2)))
                    .isInstanceOf(NonFiniteLossException.class);
            assertThat(losses(recognizer)).hasSameSizeAs(undisturbed).allMatch(Double::isFinite);
        }
    }

    /** Running means and variances too, which a forward pass changes and the fingerprint is of. */
    @Test
    void aTrainingThatFailsBeforeItsFirstStepLeavesTheModelAsItWas() {
        TrainingListener failing = new TrainingListener() {
            @Override
            public boolean wantsEmbeddingStats() {
                return true;
            }

            @Override
            public void embeddingStats(BatchEmbeddingStats stats) {
                throw new IllegalStateException("the listener failed");
            }
        };
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(8)
                .imageSizePx(32)
                .classes(TinyTraining.PEOPLE)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            String before = recognizer.fingerprint();
            assertThatThrownBy(() -> TinyTraining.fit(
                            recognizer, faces, TinyTraining.args().listeners(failing)))
                    .hasMessageContaining("the listener failed");
            assertThat(recognizer.fingerprint()).isEqualTo(before);
        }
    }

    /** A network that gets infinite images in one forward pass in training mode, before its batch normalization. */
    private static final class InfinityOnce extends AroundTinyBackbone {
        private int forwards; // in training mode

        InfinityOnce() {
            super("InfinityOnce");
        }

        @Override
        public Tensor forward(Tensor images) {
            boolean now = is_training() && ++forwards == 2;
            return net.forward(now ? images.mul(new Scalar(Double.POSITIVE_INFINITY)) : images);
        }
    }

    /** The weights are finite then, and the statistics are not: the file could be written, but not be loaded. */
    @Test
    void aModelWithoutFiniteStatisticsIsNotSaved() throws IOException {
        try (Recognizer recognizer = Recognizer.of(
                new InfinityOnce(), TinyTraining.head(), TinyTraining.IMAGE_PX, Normalization.SYMMETRIC)) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, TinyTraining.args()))
                    .isInstanceOf(NonFiniteLossException.class)
                    .hasMessageContaining("step 2");
            assertThatThrownBy(() -> recognizer.save(folder.resolve("some.model")))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(
                            "this recognizer cannot be saved: some values of model.encoder.net.bn.running_mean are NaN"
                                    + " or infinite, as after a training whose loss was not finite; load the training's"
                                    + " last checkpoint or another file instead");
        }
        assertThat(files()).isEmpty();
    }

    /** A head that counts how often it was told to forget. */
    private static final class NanAtOnce extends Head {
        private int forgotten;

        NanAtOnce() {
            super("NanAtOnce", TinyTraining.PEOPLE, 16);
        }

        @Override
        public Output forward(Tensor embeddings, Tensor labels) {
            Tensor scores = scores(embeddings);
            return new Output(scores.sum().mul(new Scalar(Double.NaN)), scores.detach());
        }

        @Override
        public Tensor scores(Tensor embeddings) {
            return embeddings.narrow(1, 0, classes());
        }

        @Override
        public void forgetForward() {
            forgotten++;
        }
    }

    /** What a margin head keeps for the backward pass are up to 64 MiB. */
    @Test
    void theHeadForgetsAForwardPassWhoseLossIsNotFinite() {
        NanAtOnce head = new NanAtOnce();
        try (Recognizer recognizer =
                Recognizer.of(new TinyBackbone(16), head, TinyTraining.IMAGE_PX, Normalization.SYMMETRIC)) {
            assertThatThrownBy(() -> TinyTraining.fit(recognizer, faces, TinyTraining.args()))
                    .isInstanceOf(NonFiniteLossException.class);
            assertThat(head.forgotten).isEqualTo(1);
        }
    }

    private static List<Double> losses(Recognizer recognizer) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        TinyTraining.fit(recognizer, faces, TinyTraining.args().maxSteps(3).listeners(losses));
        return losses.all;
    }

    private List<String> files() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
