package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.losses.ClassChunks;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests training with heads for many identities: Partial FC and chunks of classes. */
class PartialTrainingTest {
    @TempDir
    static Path faces;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    private static List<Double> losses(TrainerArgs.Builder args, Consumer<MarginSoftmax> set) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            set.accept((MarginSoftmax) recognizer.head());
            new Trainer(args.listeners(losses).build())
                    .fit(recognizer, TinyTraining.train(faces), TinyTraining.validation(faces));
        }
        return losses.all;
    }

    @Test
    void aFractionOfOneEqualsTheFullHead() {
        TrainerArgs.Builder args = TinyTraining.args().gradientClip(2).epochs(2);
        assertThat(losses(args, head -> head.setPartialFraction(1))).isEqualTo(losses(args, head -> {}));
    }

    @Test
    void chunkedLossesEqualUnchunkedOnes() {
        TrainerArgs.Builder args = TinyTraining.args().accumulation(2).epochs(2);
        List<Double> unchunked = losses(args, head -> {});
        List<Double> chunked = losses(args, head -> head.setChunks(new ClassChunks(2, 0, false)));
        assertThat(chunked).hasSameSizeAs(unchunked);
        for (int i = 0; i < unchunked.size(); i++) {
            assertThat(chunked.get(i)).isCloseTo(unchunked.get(i), within(1e-3));
        }
    }

    @Test
    void aFractionLearnsAndResumesExactly() {
        Consumer<MarginSoftmax> fraction = head -> head.setPartialFraction(0.6);
        TrainerArgs.Builder accumulated = TinyTraining.args().accumulation(2);
        List<Double> whole = losses(accumulated, fraction);
        TrainerArgs.Builder inParts = TinyTraining.args().accumulation(2).checkpoints(folder);
        List<Double> parts = new ArrayList<>(losses(inParts.maxSteps(3), fraction));
        parts.addAll(losses(inParts.maxSteps(0).resume(true), fraction));

        assertThat(parts).isEqualTo(whole);
        assertThat(whole.get(whole.size() - 1)).isLessThan(whole.get(0));
    }

    @Test
    void unsampledRowsAreUnchangedDespiteWeightDecay() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            MarginSoftmax head = (MarginSoftmax) recognizer.head();
            head.setPartialFraction(0.01); // samples only the identities of the batch
            Tensor weight = new Tensor(head.parameters().get(0));
            Tensor before = weight.detach().clone();
            boolean[] changedRows = new boolean[TinyTraining.PEOPLE];
            TrainingListener listener = new TrainingListener() {
                @Override
                public void stepped(StepReport step) {
                    try (PointerScope scope = new PointerScope()) {
                        for (int i = 0; i < changedRows.length; i++) {
                            changedRows[i] = !weight.get(i).equal(before.get(i));
                        }
                    }
                }
            };
            TrainerArgs.Builder args = TinyTraining.args()
                    .optimizer(new AdamW(3e-3, 0.5))
                    .batchSize(2)
                    .maxSteps(1)
                    .listeners(listener);
            TinyTraining.fit(recognizer, faces, args);
            int changed = 0;
            for (boolean rowChanged : changedRows) {
                changed += rowChanged ? 1 : 0;
            }
            assertThat(changed).isBetween(1, 2);
            before.close();
        }
    }

    @Test
    void leaksNoNativeObjects() {
        long[] counts = new long[2];
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            MarginSoftmax head = (MarginSoftmax) recognizer.head();
            head.setPartialFraction(0.6);
            head.setChunks(new ClassChunks(2, 64, false));
            TrainingListener listener = new TrainingListener() {
                @Override
                public void stepped(StepReport step) {
                    if (step.step() == 10 || step.step() == 110) {
                        counts[step.step() == 10 ? 0 : 1] = Pointer.totalCount();
                    }
                }
            };
            TinyTraining.fit(recognizer, faces, TinyTraining.args().epochs(11).listeners(listener));
        }
        assertThat(counts[1]).isPositive();
        assertThat(counts[1] - counts[0]).isLessThan(30); // up to one batch of a loader thread, but not one per step
    }

    @Test
    void headSettingsAreSavedInTheModel() {
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(8)
                .classes(40)
                .partialFraction(0.25)
                .bf16Logits(true)
                .build();
        Path file = folder.resolve("model.safetensors");
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            recognizer.save(file);
        }
        try (Recognizer loaded = Recognizer.load(file);
                PointerScope scope = new PointerScope()) {
            MarginSoftmax head = (MarginSoftmax) loaded.head();
            head.train(true);
            head.forward(org.bytedeco.pytorch.global.torch.randn(2, 8), Tensor.create(39L, 0L));
            assertThat(head.sampled().orElseThrow().rows().numel()).isEqualTo(10);
        }
    }

    @Test
    void rejectsInvalidSettings() {
        assertThatThrownBy(() -> RecognizerArgs.builder().partialFraction(1.5).build())
                .hasMessage("partialFraction must be in (0, 1], but was 1.5");
        RecognizerArgs fraction = RecognizerArgs.builder().partialFraction(0.5).build();
        assertThatThrownBy(() -> Recognizer.crossEntropy(fraction))
                .hasMessage("partialFraction below 1 must go with a loss that has a center for each identity, such as"
                        + " arcface, but the loss was cross-entropy");
        RecognizerArgs bf16 = RecognizerArgs.builder().bf16Logits(true).build();
        assertThatThrownBy(() -> Recognizer.withLoss(LossName.TRIPLET, bf16)).hasMessageStartingWith("bf16Logits must");
    }
}
