package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;

/**
 * Records, epoch by epoch, histograms of the angles between embeddings and centers and of the embeddings' norms. After
 * a resume in the middle of an epoch, only the batches since then are counted.
 */
public final class EmbeddingStatsRecorder implements TrainingListener {
    private final List<EpochEmbeddingStats> finished = new ArrayList<>();
    private int epoch = 1;
    private EpochEmbeddingStats running = EpochEmbeddingStats.empty(1);

    @Override
    public boolean wantsEmbeddingStats() {
        return true;
    }

    @Override
    public void started(History soFar) {
        epoch = soFar.epochs().size() + 1;
        running = EpochEmbeddingStats.empty(epoch);
    }

    @Override
    public void embeddingStats(BatchEmbeddingStats batch) {
        running.add(batch);
    }

    @Override
    public void epochEnded(EpochReport report, History soFar) {
        if (!running.isEmpty()) { // a training that was interrupted while it validated has no more batches
            finished.add(running);
        }
        epoch++;
        running = EpochEmbeddingStats.empty(epoch);
    }

    /** The epochs of which this recorder has seen a batch and the end, in order. */
    public List<EpochEmbeddingStats> epochs() {
        return List.copyOf(finished);
    }
}
