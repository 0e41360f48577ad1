package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.LabelNoise.Suspect;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.train.BatchEmbeddingStats;
import org.facerecognition.train.EmbeddingStats;
import org.facerecognition.train.EmbeddingStatsRecorder;
import org.facerecognition.train.EpochEmbeddingStats;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests the angles and norms of embeddings that are recorded during training, and the search for label noise. */
class EmbeddingStatsTest {
    @TempDir
    private static Path folder;

    @Test
    void computesAnglesAndNorms() {
        try (PointerScope scope = new PointerScope();
                MarginSoftmax head = new MarginSoftmax(3, 2, new ArcFaceMargin(7, 0.4))) {
            try (NoGradGuard noGrad = new NoGradGuard()) {
                head.centers().copy_(Tensor.create(new float[] {5, 0, 0, 2, -1, 0}, 3, 2)); // at 0, 90 and 180 degrees
            }
            Tensor embeddings = Tensor.create(new float[] {3, 3, 0, -4}, 2, 2); // at 45 and -90 degrees
            BatchEmbeddingStats stats = EmbeddingStats.of(head, embeddings, Tensor.create(new long[] {0, 1}, 2));
            assertThat(stats.toOwnDegrees()[0]).isCloseTo(45, within(1e-3));
            assertThat(stats.toOwnDegrees()[1]).isCloseTo(180, within(0.1)); // acos is steep there
            assertThat(stats.toNearestOtherDegrees()[0]).isCloseTo(45, within(1e-3));
            assertThat(stats.toNearestOtherDegrees()[1]).isCloseTo(90, within(1e-3));
            assertThat(stats.norms()[0]).isCloseTo(Math.sqrt(18), within(1e-5));
            assertThat(stats.norms()[1]).isCloseTo(4, within(1e-6));
        }
    }

    @Test
    void anglesAreMissingWithoutCentersOrOtherIdentities() {
        try (PointerScope scope = new PointerScope();
                LinearSoftmax linear = new LinearSoftmax(2, 2);
                MarginSoftmax singleIdentity = new MarginSoftmax(1, 2, new ArcFaceMargin(7, 0.4))) {
            Tensor embeddings = Tensor.create(new float[] {0, 2}, 1, 2);
            Tensor labels = Tensor.create(new long[] {0}, 1);
            BatchEmbeddingStats stats = EmbeddingStats.of(linear, embeddings, labels);
            assertThat(stats.toOwnDegrees()).isEmpty();
            assertThat(stats.norms()).containsExactly(2);
            stats = EmbeddingStats.of(singleIdentity, embeddings, labels);
            assertThat(stats.toOwnDegrees()).hasSize(1);
            assertThat(stats.toNearestOtherDegrees()).isEmpty();
        }
    }

    @Test
    void recordingStatsDoesNotChangeTrainingAndItsAnglesSeparate() {
        Path faces = TinyTraining.writeFaces(folder.resolve("recorded"));
        EmbeddingStatsRecorder recorder = new EmbeddingStatsRecorder();
        TinyTraining.Losses recorded = new TinyTraining.Losses();
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            TinyTraining.fit(recognizer, faces, TinyTraining.args().listeners(recorded, recorder));
        }
        assertThat(recorded.all).isEqualTo(TinyTraining.losses(faces, TinyTraining.args()));
        List<EpochEmbeddingStats> epochs = recorder.epochs();
        assertThat(epochs).extracting(EpochEmbeddingStats::epoch).containsExactly(1, 2, 3);
        for (EpochEmbeddingStats epoch : epochs) {
            assertThat(Arrays.stream(epoch.toOwn()).sum()).isEqualTo(80);
            assertThat(Arrays.stream(epoch.toNearestOther()).sum()).isEqualTo(80);
            assertThat(Arrays.stream(epoch.norms()).sum()).isEqualTo(80);
        }
        assertThat(EpochEmbeddingStats.medianDegrees(epochs.get(2).toOwn()))
                .isLessThan(EpochEmbeddingStats.medianDegrees(epochs.get(0).toOwn()))
                .isLessThan(EpochEmbeddingStats.medianDegrees(epochs.get(2).toNearestOther()));
    }

    /** A training that was killed while it validated has no batch of that epoch left: the report had no angles then. */
    @Test
    void anEpochWithoutBatchesIsNotRecorded() {
        EmbeddingStatsRecorder recorder = new EmbeddingStatsRecorder();
        recorder.epochEnded(null, null);
        recorder.embeddingStats(new BatchEmbeddingStats(new double[] {30}, new double[] {80}, new double[] {1}));
        recorder.epochEnded(null, null);
        assertThat(recorder.epochs()).extracting(EpochEmbeddingStats::epoch).containsExactly(2);
    }

    @Test
    void suspectsImagesUnderAWrongName() throws Exception {
        Path faces = TinyTraining.writeFaces(folder.resolve("noisy"));
        Path stray = faces.resolve("person0/stray.png");
        java.nio.file.Files.copy(faces.resolve("person1/0.png"), stray);
        FaceDataset all = FaceDataset.folders(faces, Split.TRAIN, 0, 0, 0);
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            new Trainer(TinyTraining.args().epochs(8).build()).fit(recognizer, all, TinyTraining.validation(faces));
            List<Integer> embedded = new ArrayList<>();
            List<Suspect> suspects = recognizer.suspects(all, 75, embedded::add);
            assertThat(embedded).isSorted().endsWith(all.size());
            assertThat(suspects)
                    .extracting(suspect -> all.sample(suspect.face()).image().name())
                    .first()
                    .asString()
                    .endsWith("stray.png");
            assertThat(suspects.get(0).label()).isEqualTo(0);
            assertThat(suspects.get(0).nearest()).isEqualTo(1);
        }
    }
}
