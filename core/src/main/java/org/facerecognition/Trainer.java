package org.facerecognition;

import java.util.concurrent.atomic.AtomicBoolean;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.train.History;

/**
 * Teaches a {@link Recognizer} the identities of a data set.
 *
 * <p>What comes out is a function of the data, the recogniser's and the trainer's args: the number of loader threads
 * makes no difference, and a training that was stopped and resumed gives the same losses, to the last digit, as one
 * that was not (on the same machine, with the same number of compute threads).
 */
public final class Trainer {
    private final TrainerArgs args;
    private final AtomicBoolean stopped = new AtomicBoolean();

    /** @param args how to train */
    public Trainer(TrainerArgs args) {
        this.args = args;
    }

    /**
     * Trains until the epochs or the steps are done, or {@link #stop} is called. The recogniser then has the weights of
     * the last step; those of the best epoch are in the backup folder's {@code best.ckpt}.
     *
     * @param recognizer to teach; not to be used elsewhere meanwhile
     * @param train what to learn
     * @param validation what to measure on after each epoch
     * @return what it came to, epoch by epoch, that of resumed parts included
     * @throws IllegalArgumentException when data and recogniser do not fit each other
     * @throws IllegalStateException when there is a backup already and {@code resume} is not asked for, or the one to
     *     be resumed is of another training
     * @throws org.facerecognition.data.DataException when a picture cannot be used
     * @throws org.facerecognition.weights.WeightsException when a backup cannot be written or read
     * @throws org.facerecognition.train.NonFiniteLossException when the loss is NaN or infinite
     */
    public History fit(Recognizer recognizer, FaceDataset train, FaceDataset validation) {
        checkFit(recognizer, train);
        checkFit(recognizer, validation);
        if (train.framing() != validation.framing()) {
            throw new IllegalArgumentException("train and validation must be framed alike, but were " + train.framing()
                    + " and " + validation.framing());
        }
        try (TrainingRun run = new TrainingRun(args, recognizer, train, validation, stopped)) {
            return run.toTheEnd();
        }
    }

    /**
     * Asks a running {@link #fit} to stop after the step it is in, with a backup written. From any thread; at once when
     * nothing runs yet.
     */
    public void stop() {
        stopped.set(true);
    }

    private static void checkFit(Recognizer recognizer, FaceDataset data) {
        int classes = recognizer.head().classes();
        if (data.classes() > classes) {
            throw new IllegalArgumentException("labels must be in [0, " + classes + ") for a recognizer of " + classes
                    + " classes, but the " + data.split() + " data has " + data.classes()
                    + " identities; build it with classes(" + data.classes() + ")");
        }
    }
}
