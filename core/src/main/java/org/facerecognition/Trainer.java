package org.facerecognition;

import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.PlatformThreads;
import org.facerecognition.natives.SystemMemory;
import org.facerecognition.train.History;
import org.jspecify.annotations.Nullable;

/**
 * Trains a {@link Recognizer} to tell the identities of a data set apart.
 *
 * <p>The result is a function of the data, the recognizer and the args. Neither the number of loader threads nor
 * anything else that happens in the process makes a difference, and a training that was stopped and resumed has the
 * same losses, to the last digit, as one that was not (on the same machine, with the same number of compute threads).
 * With {@link TrainerArgs.Builder#distributed} several processes train together; the result is then the same up to
 * rounding, see {@link org.facerecognition.train.DataParallel}. A training changes nothing of the process for good:
 * random generators, frozen layers and thread counts are restored, and memory that glibc kept for the next step is
 * given back ({@link SystemMemory#reuse}). One exception: a recognizer {@linkplain Recognizer#of of custom parts} whose
 * layers use libtorch's default generator, as {@code torch.dropout} does, must not train while other threads call
 * libtorch's random functions directly; see {@link org.facerecognition.natives.RandomStream}.
 */
public final class Trainer {
    private final TrainerArgs args;
    private final Set<AtomicBoolean> running = ConcurrentHashMap.newKeySet(); // each set to true to stop

    /** @param args how to train */
    public Trainer(TrainerArgs args) {
        this.args = args;
    }

    /**
     * Trains without validation: the best epoch is the last one or, where there are verification faces, the one that
     * verifies them best.
     *
     * @see #fit(Recognizer, FaceDataset, FaceDataset)
     */
    public History fit(Recognizer recognizer, FaceDataset train) {
        return fit(recognizer, train, null);
    }

    /**
     * Trains until the epochs or the steps are done, or {@link #stop} is called. The recognizer then has the weights of
     * the last step; those of the best epoch are in {@code best.ckpt} in the checkpoint folder. When data, recognizer
     * and args do not go together, this throws before anything is changed.
     *
     * <p>When the JVM is told to end meanwhile, by a signal or {@code System.exit}, the training is stopped as by
     * {@link #stop}, and the JVM waits until it has ended, at most 30 seconds: native code that computes while the JVM
     * ends would crash it. An interrupt of the thread that trains is seen before each step and, where images are
     * embedded between steps, after each batch.
     *
     * <p>A virtual thread waits while a thread of the operating system trains, and calls the listeners.
     *
     * <p>With {@link TrainerArgs.Builder#shardHead} the recognizer has all class centers before and after a training.
     * One that fails in its middle, or while it reads the checkpoint that it was to continue from, leaves this process
     * with its share: the encoder can be used, and {@link Recognizer#save} refuses; {@code last.ckpt} has all of them.
     *
     * @param recognizer to train; not to be used elsewhere meanwhile
     * @param train the training data; with only one person there is nothing to learn, and listeners get a note
     * @param validation data to measure on after each epoch, with the same identities under the same labels; null for
     *     none
     * @return the results, epoch by epoch, including those before a resume
     * @throws IllegalArgumentException when data, recognizer and args do not fit each other
     * @throws IllegalStateException when there is a checkpoint already and {@code resume} is not set, when the
     *     checkpoint to be resumed is of another training, or when another training writes into the checkpoint folder
     *     or trains this recognizer
     * @throws org.facerecognition.data.DataException when an image cannot be used
     * @throws org.facerecognition.weights.WeightsException when a checkpoint cannot be written or read
     * @throws IllegalStateException when another process of the training has failed; the message names it
     * @throws IllegalStateException when the thread is interrupted, which stays set; the step under way is done, and
     *     nothing is written
     * @throws org.facerecognition.train.NonFiniteLossException when the loss, a gradient or a weight is NaN or infinite
     */
    public History fit(Recognizer recognizer, FaceDataset train, @Nullable FaceDataset validation) {
        return PlatformThreads.call(() -> fitHere(recognizer, train, validation));
    }

    private History fitHere(Recognizer recognizer, FaceDataset train, @Nullable FaceDataset validation) {
        AtomicBoolean stopped = new AtomicBoolean();
        try (Lifetime.Use open = recognizer.beginTraining();
                ExitHook exit = new ExitHook(stopped);
                SystemMemory.Reuse memory = SystemMemory.reuse()) {
            running.add(stopped);
            try (TrainingRun run = new TrainingRun(args, recognizer, train, validation, stopped)) {
                return run.run();
            }
        } catch (RuntimeException | Error e) {
            args.parallel().group().failed(e); // the other processes need not wait for this one
            throw e;
        } finally {
            running.remove(stopped);
        }
    }

    /** Has the end of the JVM wait for the training of the thread that creates this. */
    private static final class ExitHook implements AutoCloseable {
        private static final long MAX_WAIT_NANOS = 30_000_000_000L;
        private static final long POLL_MILLIS = 50;

        private final Thread training = Thread.currentThread();
        private final CountDownLatch ended = new CountDownLatch(1);
        private final AtomicBoolean stopped;
        private final Thread hook = new Thread(null, this::stop, "stop-fit", 0, false);

        ExitHook(AtomicBoolean stopped) {
            this.stopped = stopped;
            try {
                Runtime.getRuntime().addShutdownHook(hook);
            } catch (IllegalStateException e) { // the JVM is ending already
                stopped.set(true);
            }
        }

        private void stop() {
            stopped.set(true);
            long deadline = System.nanoTime() + MAX_WAIT_NANOS;
            try {
                while (System.nanoTime() < deadline
                        && !waitsForThis()
                        && !ended.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                    // waits on
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** Whether the training thread itself, in a listener, ends the JVM, which does not return to it. */
        private boolean waitsForThis() {
            return Arrays.stream(training.getStackTrace())
                    .anyMatch(frame -> frame.getClassName().equals("java.lang.Shutdown"));
        }

        @Override
        public void close() {
            ended.countDown();
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // the JVM is ending, and the hook is running
            }
        }
    }

    /**
     * Asks the running {@link #fit} to stop after its present step and to write a checkpoint. A validation ends in its
     * middle, without a report of its epoch, and runs again when the training is resumed. May be called by any thread.
     * A later fit is not affected; where none is running this has no effect.
     */
    public void stop() {
        running.forEach(stopped -> stopped.set(true));
    }
}
