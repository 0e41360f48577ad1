package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Sampler;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.BatchHardTriplet;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.losses.MetricHead;
import org.facerecognition.losses.NormFaceMargin;
import org.facerecognition.train.TrainingListener;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests that a training notes settings that have no effect with its head. */
class TrainingNotesTest {
    @TempDir
    static Path faces;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
    }

    private static List<String> notes(Head head, TrainerArgs.Builder args) {
        List<String> notes = new ArrayList<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void noted(String message) {
                notes.add(message);
            }
        };
        try (Recognizer recognizer =
                Recognizer.of(new TinyBackbone(16), head, TinyTraining.IMAGE_PX, Normalization.SYMMETRIC)) {
            TinyTraining.fit(recognizer, faces, args.maxSteps(1).listeners(listener));
        }
        return notes;
    }

    private static Head triplet() {
        return new MetricHead(TinyTraining.PEOPLE, 16, new BatchHardTriplet(0.2));
    }

    @Test
    void aLossThatComparesImagesNeedsSeveralOfEachPerson() {
        assertThat(notes(triplet(), TinyTraining.args()))
                .containsExactly(
                        "the loss compares the images of a batch, so that a batch should hold several images of"
                                + " some people, but the sampler is \"shuffled\"; use Sampler.identities(16, 4)"
                                + " (--sampler 16x4), for example");
        assertThat(notes(triplet(), TinyTraining.args().batchSize(10).sampler(Sampler.identities(5, 2))))
                .isEmpty();
    }

    @Test
    void aLearningRateNeedsWeights() {
        TrainerArgs.Builder args = TinyTraining.args()
                .batchSize(10)
                .sampler(Sampler.identities(5, 2))
                .headLrMultiplier(10);
        assertThat(notes(triplet(), args))
                .containsExactly("headLrMultiplier has no effect: the head, MetricHead, has no weights of its own");
        assertThat(notes(new LinearSoftmax(TinyTraining.PEOPLE, 16), args)).isEmpty();
    }

    @Test
    void aWarmUpNeedsAMargin() {
        TrainerArgs.Builder args = TinyTraining.args().marginWarmupEpochs(1);
        assertThat(notes(new LinearSoftmax(TinyTraining.PEOPLE, 16), args))
                .containsExactly("marginWarmupEpochs has no effect: the head, LinearSoftmax, has no margin to raise");
        assertThat(notes(new MarginSoftmax(TinyTraining.PEOPLE, 16, new NormFaceMargin(16)), args))
                .containsExactly("marginWarmupEpochs has no effect: the head, MarginSoftmax, has no margin to raise");
        assertThat(notes(new MarginSoftmax(TinyTraining.PEOPLE, 16, new ArcFaceMargin(16, 0.1)), args))
                .isEmpty();
    }

    @Test
    void aWarmUpThatIsLongerThanTheTrainingIsNoted() {
        TrainerArgs.Builder args = TinyTraining.args().marginWarmupEpochs(4).epochs(3);
        assertThat(notes(TinyTraining.head(), args))
                .containsExactly("marginWarmupEpochs is 4, but the training has 3 epochs: the margin does not reach its"
                        + " full size");
    }
}
