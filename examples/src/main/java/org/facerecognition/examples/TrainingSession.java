package org.facerecognition.examples;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.facerecognition.Recognizer;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.train.EmbeddingStatsRecorder;
import org.facerecognition.train.EpochEmbeddingStats;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.History;
import org.facerecognition.train.TrainingListener;
import org.jspecify.annotations.Nullable;

/**
 * Runs a training with its folder: checkpoints; {@code history.jsonl}, {@code embedding-stats.jsonl} and {@code
 * report.html}, which are rewritten after each epoch; and {@code args.json}. Stopping the program (Ctrl-C) stops the
 * training after the current step, with a checkpoint; the program then runs until the session is closed.
 */
final class TrainingSession implements AutoCloseable {
    private static final long MAX_STOPPING_SECONDS = 120;
    private static final int MAX_CLASSES_WITH_STATS = 20_000; // beyond, the statistics would cost as much as the head
    private static final String LAST_CHECKPOINT = "last.ckpt";
    private static final String HISTORY = "history.jsonl";
    private static final String STATS = "embedding-stats.jsonl";
    private static final String FORMER_STATS = "looks.jsonl"; // of earlier versions

    private final Path out;
    private final PrintWriter err;
    private final String argsJson;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile boolean trained;
    private @Nullable Thread onStop; // null until a training has begun

    /**
     * @param out the training's folder
     * @param argsJson the contents of {@code args.json}
     */
    TrainingSession(Path out, PrintWriter err, String argsJson) {
        this.out = out;
        this.err = err;
        this.argsJson = argsJson;
    }

    /** Trains a borrowed recognizer, once, and returns when the training is finished or was stopped. */
    History run(Recognizer recognizer, TrainerArgs.Builder args, FaceDataset train, @Nullable FaceDataset validation) {
        return run(recognizer, args, train, validation, true);
    }

    /**
     * Trains as one of several processes.
     *
     * @param reports whether this process shows the progress and writes the folder's files
     */
    History run(
            Recognizer recognizer,
            TrainerArgs.Builder args,
            FaceDataset train,
            @Nullable FaceDataset validation,
            boolean reports) {
        long maxSteps = args.build().optimization().maxSteps();
        try (ProgressPrinter progress = new ProgressPrinter(err, Terminal.isInteractive(), maxSteps)) {
            EmbeddingStatsRecorder recorder = new EmbeddingStatsRecorder();
            FolderWriter folder = new FolderWriter(recorder, train.classes() <= MAX_CLASSES_WITH_STATS);
            TrainingListener[] listeners = !reports
                    ? new TrainingListener[0]
                    : train.classes() <= MAX_CLASSES_WITH_STATS
                            ? new TrainingListener[] {progress, recorder, folder}
                            : new TrainingListener[] {progress, folder};
            TrainerArgs complete = args.listeners(listeners).build();
            Trainer trainer = new Trainer(complete);
            boolean resumable = complete.checkpoints().folder() != null;
            onStop = StopHook.add("stop-training", () -> stop(trainer, resumable));
            History history = trainer.fit(recognizer, train, validation);
            trained = true;
            return history;
        }
    }

    /** Lets a program that is being stopped end: when the results of the training are written. */
    @Override
    public void close() {
        closed.countDown();
        if (onStop != null) {
            StopHook.remove(onStop);
        }
    }

    /** Says when the program will stop. */
    String stopping(boolean resumable) {
        if (trained) {
            return "stopping when the results are written";
        }
        return "stopping after this step"
                + (resumable ? ", with a checkpoint in " + out + "; continue with --resume" : "");
    }

    private void stop(Trainer trainer, boolean resumable) {
        err.println("\n" + stopping(resumable));
        err.flush();
        trainer.stop();
        try {
            if (!closed.await(MAX_STOPPING_SECONDS, TimeUnit.SECONDS)) {
                err.println(whatIsLost(resumable));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Says what the end of the program costs, if it does not wait for the training any longer. */
    String whatIsLost(boolean resumable) {
        return "stopping took too long; "
                + (resumable && Files.exists(out.resolve(LAST_CHECKPOINT))
                        ? "what was done after " + LAST_CHECKPOINT + " was written is lost"
                        : "the training is lost: there is no checkpoint");
    }

    /** Writes the folder's files when the training starts and after each epoch. */
    private final class FolderWriter implements TrainingListener {
        private final EmbeddingStatsRecorder recorder;
        private final boolean records;
        private final List<EpochReport> epochs = new ArrayList<>();
        private final List<EpochEmbeddingStats> stats = new ArrayList<>();

        /** @param records whether the recorder is told of batches */
        FolderWriter(EmbeddingStatsRecorder recorder, boolean records) {
            this.recorder = recorder;
            this.records = records;
        }

        @Override
        public void started(History soFar) {
            write(FormerOptions.FILE, argsJson + "\n");
            stats.addAll(formerStats(soFar));
            writeLines(STATS, stats);
            int last = soFar.epochs().size() - 1;
            if (records
                    && soFar.steps() > (last < 0 ? 0 : soFar.epochs().get(last).steps())) {
                err.println("note: if epoch " + (last + 2) + " is trained further, its embedding statistics are of the"
                        + " batches from here on");
            }
            epochs.addAll(soFar.epochs());
            writeLines(HISTORY, epochs);
            if (!epochs.isEmpty()) { // the training may have been killed before the report of its last epoch
                writeReport(soFar);
            }
        }

        @Override
        public void epochEnded(EpochReport epoch, History soFar) {
            epochs.add(epoch);
            writeLines(HISTORY, epochs);
            if (!recorder.epochs().isEmpty()) {
                stats.add(recorder.epochs().get(recorder.epochs().size() - 1));
                writeLines(STATS, stats);
            }
            writeReport(soFar);
        }

        private void writeReport(History soFar) {
            TrainingReport.of("Training " + out.getFileName(), soFar)
                    .embeddingStats(stats)
                    .details(argsJson)
                    .write(out.resolve("report.html"));
        }
    }

    /** Reads the statistics of the epochs before the training was resumed. */
    private List<EpochEmbeddingStats> formerStats(History soFar) {
        Path file = out.resolve(Files.exists(out.resolve(STATS)) ? STATS : FORMER_STATS);
        if (soFar.epochs().isEmpty() || !Files.exists(file)) {
            return List.of();
        }
        try (Stream<String> lines = Files.lines(file)) {
            return lines.map(line -> Json.read(line, EpochEmbeddingStats.class))
                    .filter(epoch -> epoch.epoch() <= soFar.epochs().size())
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            IOException cause =
                    e instanceof IOException io ? io : Objects.requireNonNull(((UncheckedIOException) e).getCause());
            throw new UncheckedIOException(
                    "cannot read " + file
                            + (cause instanceof JsonProcessingException
                                    ? ", which is damaged"
                                    : ": " + AtomicFile.reason(cause))
                            + "; delete it to continue without it",
                    cause);
        }
    }

    /** Rewrites the whole file atomically, so that a killed process leaves no partial line; the file is small. */
    private void writeLines(String name, List<?> values) {
        StringBuilder lines = new StringBuilder();
        values.forEach(value -> lines.append(Json.line(value)).append('\n'));
        write(name, lines.toString());
    }

    private void write(String name, String text) {
        Path file = out.resolve(name);
        try {
            AtomicFile.write(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(AtomicFile.cannotWrite(file, e), e);
        }
    }
}
