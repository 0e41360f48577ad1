package org.facerecognition;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.train.History;
import org.jspecify.annotations.Nullable;

/**
 * Teaches a {@link Recognizer} the identities of a data set.
 *
 * <p>What comes out is a function of the data, the recognizer and the trainer's args: neither the number of loader
 * threads nor anything else that happens in the process makes a difference, and a training that was stopped and resumed
 * gives the same losses, to the last digit, as one that was not (on the same machine, with the same number of compute
 * threads). A training leaves nothing of the process changed: random generators, frozen layers and thread counts are
 * afterwards as they were. One exception: a recognizer {@linkplain Recognizer#of of your own parts} whose layers draw
 * from libtorch's default generator, as {@code torch.dropout} does, must not train while other threads call libtorch's
 * random functions directly; see {@link org.facerecognition.natives.RandomStream}.
 */
public final class Trainer {
    private final TrainerArgs args;
    private final Set<AtomicBoolean> running = ConcurrentHashMap.newKeySet(); // each set to true to stop

    /** @param args how to train */
    public Trainer(TrainerArgs args) {
        this.args = args;
    }

    /**
     * Trains without validation: the best epoch is the last one or, where people are {@link TrainerArgs#verification
     * verified}, the one that tells them apart best.
     *
     * @see #fit(Recognizer, FaceDataset, FaceDataset)
     */
    public History fit(Recognizer recognizer, FaceDataset train) {
        return fit(recognizer, train, null);
    }

    /**
     * Trains until the epochs or the steps are done, or {@link #stop} is called. The recognizer then has the weights of
     * the last step; those of the best epoch are in the backup folder's {@code best.ckpt}. When data, recognizer and
     * args do not go together, this throws before anything is changed.
     *
     * @param recognizer to teach; not to be used elsewhere meanwhile
     * @param train what to learn; with one person only there is nothing to learn, which listeners are told
     * @param validation what to measure on after each epoch, of the same identities under the same labels; null for
     *     nothing
     * @return what it came to, epoch by epoch, that of resumed parts included
     * @throws IllegalArgumentException when data, recognizer and args do not fit each other
     * @throws IllegalStateException when there is a checkpoint already and {@code resume} is not asked for, when the
     *     one to be resumed is of another training, or when another training writes into the backup folder or trains
     *     this recognizer
     * @throws org.facerecognition.data.DataException when an image cannot be used
     * @throws org.facerecognition.weights.WeightsException when a checkpoint cannot be written or read
     * @throws org.facerecognition.train.NonFiniteLossException when the loss, a gradient or a weight is NaN or infinite
     */
    public History fit(Recognizer recognizer, FaceDataset train, @Nullable FaceDataset validation) {
        AtomicBoolean stopped = new AtomicBoolean();
        try (Lifetime.Use open = recognizer.beginTraining()) {
            running.add(stopped);
            try (TrainingRun run = new TrainingRun(args, recognizer, train, validation, stopped)) {
                return run.run();
            }
        } finally {
            running.remove(stopped);
        }
    }

    /**
     * Asks the {@link #fit} that is running to stop after the step it is in, with a checkpoint written. From any
     * thread. A later fit is not concerned, and where none is running nothing happens.
     */
    public void stop() {
        running.forEach(stopped -> stopped.set(true));
    }
}
