package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;

/**
 * Looks inside a training: counts, epoch by epoch, the angles between embeddings and centres, the hardest negatives and the
 * embeddings' norms. An epoch that was resumed in its middle is counted from there.
 */
public final class EmbeddingWatch implements TrainingListener {
    private final List<EpochLook> finished = new ArrayList<>();
    private int epoch = 1;
    private EpochLook running = EpochLook.empty(1);

    @Override
    public boolean looksInside() {
        return true;
    }

    @Override
    public void started(History soFar) {
        epoch = soFar.epochs().size() + 1;
        running = EpochLook.empty(epoch);
    }

    @Override
    public void looked(BatchLook batch) {
        running.add(batch);
    }

    @Override
    public void epochEnded(EpochReport report, History soFar) {
        finished.add(running);
        epoch++;
        running = EpochLook.empty(epoch);
    }

    /** The epochs that ended while this watched, in order. */
    public List<EpochLook> epochs() {
        return List.copyOf(finished);
    }
}
