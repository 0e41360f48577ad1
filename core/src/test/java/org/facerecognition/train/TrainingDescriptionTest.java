package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TrainingDescriptionTest {
    private static TrainingProgress progress(int epoch, int batch, double bestScore) {
        TrainingProgress progress = new TrainingProgress();
        progress.step = 12;
        progress.epoch = epoch;
        progress.batch = batch;
        progress.bestScore = bestScore;
        return progress;
    }

    /** The last step of an epoch has two checkpoints, and ranks that found different ones waited for each other. */
    @Test
    void checkpointsOfOneStepAreNotTheSameProgress() {
        assertThat(TrainingDescription.ofProgress(progress(2, 4, 0.5)))
                .isEqualTo(TrainingDescription.ofProgress(progress(2, 4, 0.5)))
                .isNotEqualTo(TrainingDescription.ofProgress(progress(3, 0, 0.5)))
                .isNotEqualTo(TrainingDescription.ofProgress(progress(2, 4, 0.75)));
    }

    @Test
    void aFinishedEpochIsNotNamedByTheNextOne() {
        assertThat(progress(0, 4, 0).place()).isEqualTo("step 12, in epoch 1");
        assertThat(progress(1, 0, 0).place()).isEqualTo("step 12, the last of epoch 1");
        assertThat(new TrainingProgress().place()).isEqualTo("step 0, in epoch 1");
    }
}
