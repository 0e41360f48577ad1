package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Sampler;
import org.facerecognition.data.Split;
import org.facerecognition.losses.LossName;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.History;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests that no batch holds a single image, for which batch normalization over 1x1 feature maps is undefined. */
class SingleImageTrainingTest {
    @TempDir
    static Path faces;

    private final List<Integer> sizes = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    private final TrainingListener listener = new TrainingListener() {
        @Override
        public void stepped(StepReport step) {
            sizes.add(step.images());
        }

        @Override
        public void noted(String message) {
            notes.add(message);
        }
    };

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    /** A network whose last feature maps are 1x1 for images of 32 pixels. */
    private static Recognizer recognizer(String loss, double partialFraction) {
        return Recognizer.withLoss(
                LossName.of(loss),
                RecognizerArgs.builder()
                        .encoder(Encoder.RESNET18)
                        .embeddingSize(16)
                        .classes(TinyTraining.PEOPLE)
                        .imageSizePx(32)
                        .partialFraction(partialFraction)
                        .build());
    }

    private History fit(TrainerArgs.Builder args) {
        return fit(recognizer("arcface", 1), args);
    }

    private History fit(Recognizer source, TrainerArgs.Builder args) {
        try (Recognizer recognizer = source) {
            return new Trainer(args.listeners(listener).build())
                    .fit(
                            recognizer,
                            FaceDataset.folders(faces, Split.TRAIN), // 40 images
                            FaceDataset.folders(faces, Split.VAL));
        }
    }

    private static TrainerArgs.Builder args(int batchSize) {
        return TinyTraining.args().batchSize(batchSize).epochs(1);
    }

    @Test
    void mergesALastBatchOfOneAndNotesItOnce() {
        fit(args(13).epochs(2));

        assertThat(sizes).containsExactly(13, 13, 14, 13, 13, 14);
        assertThat(notes)
                .containsExactly("the last batch of an epoch has 14 images: one would be left over, which batch"
                        + " normalization cannot work on alone");
    }

    @Test
    void mergesALastBatchOfOneWithAccumulation() {
        assertThat(fit(args(13).accumulation(2)).steps()).isEqualTo(2);
        assertThat(sizes).containsExactly(26, 14);
    }

    @Test
    void mergesALastBatchOfOneWithPartialFc() {
        fit(recognizer("arcface", 0.5), args(13));
        assertThat(sizes).containsExactly(13, 13, 14);
    }

    @Test
    void mergesALastBatchOfOneWhenResumedWithinAnEpoch(@TempDir Path folder) {
        List<Double> whole = losses(args(13).epochs(2));
        List<Double> resumed = losses(args(13).epochs(2).checkpoints(folder).maxSteps(2));
        resumed.addAll(losses(args(13).epochs(2).checkpoints(folder).resume(true)));

        assertThat(resumed).isEqualTo(whole);
    }

    private static List<Double> losses(TrainerArgs.Builder args) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        try (Recognizer recognizer = recognizer("arcface", 1)) {
            new Trainer(args.listeners(losses).build())
                    .fit(recognizer, FaceDataset.folders(faces, Split.TRAIN), FaceDataset.folders(faces, Split.VAL));
        }
        return losses.all;
    }

    @Test
    void rejectsABatchSizeOfOneForNetworksThatNeedMore() {
        assertThatThrownBy(() -> fit(args(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("batchSize must be at least 2 for this network, whose batch normalization cannot work on a"
                        + " single image, but was 1; to average gradients over more images than fit into memory, use"
                        + " accumulation");
        assertThat(sizes).isEmpty();
    }

    /** Of three epochs only the second trains the layers that cannot work on one image. */
    @Test
    void rejectsABatchSizeOfOneThatFailsInAnEpochBetween() {
        assertThatThrownBy(() -> fit(args(1).epochs(3).freezer(LayerFreezer.byEpoch("encoder", List.of(9, 0, 9)))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("batchSize must be at least 2 for this network");
        assertThat(sizes).isEmpty();
    }

    @Test
    void acceptsABatchSizeOfOneForOtherNetworks() {
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThat(TinyTraining.fit(recognizer, faces, args(1).maxSteps(3)).steps())
                    .isEqualTo(3);
        }
    }

    @Test
    void notesThatASinglePersonTeachesNothing() {
        FaceDataset one = FaceDataset.folders(faces, Split.TRAIN).withIdentities(List.of("person3"));
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            new Trainer(args(4).maxSteps(1).listeners(listener).build()).fit(recognizer, one);
        }
        assertThat(notes)
                .containsExactly(
                        "the training data shows only \"person3\": from one person a network cannot learn to tell"
                                + " people apart; give it others too",
                        "the head has 5 classes, but the training data only 1 identities: the others have no image to"
                                + " learn from; build it with classes(1) unless they are to come");
    }

    @Test
    void rejectsBatchSizesThatSplitGroups() {
        assertThatThrownBy(() -> fit(args(7).sampler(Sampler.identities(3, 2))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("batchSize must be a multiple of 6 for the sampler \"3 identities x 2 images\", which must"
                        + " not be split between batches, but was 7");
    }

    @ParameterizedTest
    @ValueSource(strings = {"triplet", "contrastive", "supcon"})
    void pairLossesAreValidatedOnPairs(String loss, @TempDir Path mixed) throws IOException {
        for (int person = 0; person < TinyTraining.PEOPLE; person++) { // images of one person do not look alike
            Path folder = Files.createDirectory(mixed.resolve("person" + person));
            for (int i = 0; i < TinyTraining.IMAGES_EACH; i++) {
                String from = "person" + (person + i) % TinyTraining.PEOPLE + "/" + i + ".png";
                Files.copy(faces.resolve(from), folder.resolve(i + ".png"));
            }
        }
        FaceDataset all = FaceDataset.folders(mixed, Split.VAL); // two images of each of five people
        FaceDataset first = all.withAtMost(1);
        FaceDataset second = all.without(Set.of(0, 2, 4, 6, 8));

        // the first image of each person, then the second ones: batches of four in this order have no genuine pair
        assertThat(validationLoss(loss, mixed, first.with(second))).isFinite().isPositive();
        assertThat(validationLoss(loss, mixed, first))
                .as("without any genuine pair")
                .isNaN();
    }

    private static double validationLoss(String loss, Path people, FaceDataset validation) {
        try (Recognizer recognizer = recognizer(loss, 1)) {
            TrainerArgs args = args(4).sampler(Sampler.identities(2, 2))
                    .optimizer(new AdamW(1e-9, 0)) // effectively no learning, so that the loss stays positive
                    .build();
            return new Trainer(args)
                    .fit(recognizer, FaceDataset.folders(people, Split.TRAIN).withAtMost(2), validation)
                    .last()
                    .orElseThrow()
                    .valLoss();
        }
    }
}
