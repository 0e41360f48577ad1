package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

/**
 * A training with its folder: backups, {@code history.jsonl} and {@code report.html} kept up epoch by epoch, {@code
 * args.json}. Stopping the program (Ctrl-C) stops the training after the step it is in, with a backup.
 */
final class TrainingSession {
    private static final long LONGEST_LAST_STEP_SECONDS = 120;
    private static final int MAX_CLASSES_LOOKED_INTO = 20_000; // beyond, the look would cost as much as the head
    private static final String HISTORY = "history.jsonl";
    private static final String LOOKS = "looks.jsonl";

    private final Path out;
    private final PrintWriter err;
    private final String argsJson;

    TrainingSession(Path out, PrintWriter err, String argsJson) {
        this.out = out;
        this.err = err;
        this.argsJson = argsJson;
    }

    History run(Recognizer recognizer, TrainerArgs.Builder args, FaceDataset train, FaceDataset validation) {
        CountDownLatch done = new CountDownLatch(1);
        try (ProgressPrinter progress = new ProgressPrinter(err, Terminal.isInteractive())) {
            EmbeddingStatsRecorder watch = new EmbeddingStatsRecorder();
            FolderKeeper folder = new FolderKeeper(watch);
            Trainer trainer = new Trainer((train.classes() <= MAX_CLASSES_LOOKED_INTO
                            ? args.listeners(progress, watch, folder)
                            : args.listeners(progress, folder))
                    .build());
            Thread onStop = StopHook.add("stop-training", () -> stop(trainer, done));
            try {
                return trainer.fit(recognizer, train, validation);
            } finally {
                done.countDown();
                StopHook.remove(onStop);
            }
        }
    }

    private void stop(Trainer trainer, CountDownLatch done) {
        err.println("\nstopping after this step, with a checkpoint in " + out + "; go on with --resume");
        err.flush();
        trainer.stop();
        try {
            if (!done.await(LONGEST_LAST_STEP_SECONDS, TimeUnit.SECONDS)) {
                err.println("the last step took too long; the checkpoint is of an earlier one");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Keeps the folder's files up with the training. */
    private final class FolderKeeper implements TrainingListener {
        private final EmbeddingStatsRecorder watch;
        private final List<EpochReport> epochs = new ArrayList<>();
        private final List<EpochEmbeddingStats> looks = new ArrayList<>();

        FolderKeeper(EmbeddingStatsRecorder watch) {
            this.watch = watch;
        }

        @Override
        public void started(History soFar) {
            write("args.json", argsJson + "\n");
            looks.addAll(formerLooks(soFar));
            writeLines(LOOKS, looks);
            epochs.addAll(soFar.epochs());
            writeLines(HISTORY, epochs);
        }

        @Override
        public void epochEnded(EpochReport epoch, History soFar) {
            epochs.add(epoch);
            writeLines(HISTORY, epochs);
            if (!watch.epochs().isEmpty()) {
                looks.add(watch.epochs().get(watch.epochs().size() - 1));
                writeLines(LOOKS, looks);
            }
            TrainingReport.of("Training " + out.getFileName(), soFar, argsJson)
                    .looks(looks)
                    .write(out.resolve("report.html"));
        }
    }

    /** Of the epochs before a training was resumed. */
    private List<EpochEmbeddingStats> formerLooks(History soFar) {
        Path file = out.resolve(LOOKS);
        if (soFar.epochs().isEmpty() || !Files.exists(file)) {
            return List.of();
        }
        try (Stream<String> lines = Files.lines(file)) {
            return lines.map(line -> Json.read(line, EpochEmbeddingStats.class))
                    .filter(look -> look.epoch() <= soFar.epochs().size())
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            throw new UncheckedIOException(
                    "cannot read " + file + ": " + e.getMessage() + "; delete it to go on without it",
                    e instanceof IOException io ? io : ((UncheckedIOException) e).getCause());
        }
    }

    /** Rewrites the whole file, which is small, so that a killed process leaves no half line. */
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
