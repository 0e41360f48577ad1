package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;

/**
 * Looks inside a training: counts, epoch by epoch, the angles between embeddings and centers, the hardest negatives and the
 * embeddings' norms. An epoch that was resumed in its middle is counted from there.
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
        finished.add(running);
        epoch++;
        running = EpochEmbeddingStats.empty(epoch);
    }

    /** The epochs that ended while this watched, in order. */
    public List<EpochEmbeddingStats> epochs() {
        return List.copyOf(finished);
    }
}
