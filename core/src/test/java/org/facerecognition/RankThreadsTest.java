package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Split;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.weights.SafeTensors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What two ranks refuse before they train. They run in threads of this process, which start sooner than processes do;
 * that is possible until the first step.
 */
@Timeout(120)
class RankThreadsTest {
    private static final int PX = 32;
    private static final int CLASSES = 5; // of which two ranks have unequal shares

    @TempDir
    Path folder;

    private final ExecutorService threads = Executors.newFixedThreadPool(2);

    @AfterEach
    void end() {
        threads.shutdownNow();
    }

    private interface Work<T> {
        T of(Distributed group) throws Exception;
    }

    /** Returns what each of two ranks returns. */
    private <T> List<T> together(Duration limit, Work<T> work) throws Exception {
        CompletableFuture<String> word = new CompletableFuture<>();
        List<Future<T>> ranks = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            int rank = i;
            ranks.add(threads.submit(() -> {
                try (Distributed group = Distributed.join(
                        new Distributed.Rank(rank, 2, rank, "127.0.0.1"),
                        mine -> {
                            if (rank == 0) {
                                word.complete(mine);
                            }
                            return word.join();
                        },
                        limit)) {
                    return work.of(group);
                }
            }));
        }
        return List.of(ranks.get(0).get(), ranks.get(1).get());
    }

    private static FaceDataset faces() {
        return FaceDataset.synthetic(
                new SyntheticFaces(0, PX).identities(0, CLASSES).images(0, 2), Split.TRAIN);
    }

    private static Recognizer recognizer() {
        return Recognizer.of(new SmoothBackbone(8), head(), PX, Normalization.SYMMETRIC);
    }

    private static Recognizer recognizer(Path file) {
        return Recognizer.load(file, new SmoothBackbone(8), head());
    }

    private static MarginSoftmax head() {
        return new MarginSoftmax(CLASSES, 8, new ArcFaceMargin(8, 0.2));
    }

    private static TrainerArgs.Builder trainer(int steps) {
        return TrainerArgs.builder()
                .device(ComputeDevice.CPU)
                .batchSize(5)
                .epochs(5)
                .maxSteps(steps);
    }

    private static void fit(TrainerArgs.Builder args) {
        try (Recognizer recognizer = recognizer()) {
            new Trainer(args.build()).fit(recognizer, faces());
        }
    }

    /** A head of which each rank has a share by then had lost the other centers. */
    @Test
    void aRefusedCheckpointLeavesTheRecognizerWhole() throws Exception {
        Path complete = folder.resolve("complete");
        Path damaged = folder.resolve("damaged");
        fit(trainer(1).checkpoints(complete));
        Files.createDirectories(damaged);
        copyWithout("optimizer.step.head.weight", complete.resolve("last.ckpt"), damaged.resolve("last.ckpt"));

        assertThat(refusedAndSaved(complete, folder.resolve("none")))
                .allMatch(reason -> reason.contains("progress so far")
                        && reason.contains("is 0 steps,")
                        && reason.contains("and on rank 0 1 steps,"));
        assertThat(refusedAndSaved(complete, damaged))
                .allMatch(reason -> reason.contains("optimizer state of \"head.weight\" must have"));
    }

    private static void copyWithout(String name, Path from, Path to) {
        try (SafeTensors file = SafeTensors.open(from);
                PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            file.names().forEach(each -> tensors.put(each, file.read(each)));
            assertThat(tensors.remove(name)).isNotNull();
            SafeTensors.write(to, tensors, file.metadata());
        }
    }

    /** Returns why each rank refuses its checkpoint; asserts that it then saves all class centers of the first. */
    private List<String> refusedAndSaved(Path first, Path second) throws Exception {
        CompletableFuture<float[]> centers = new CompletableFuture<>();
        List<String> reasons = together(Duration.ofSeconds(30), group -> {
            TrainerArgs.Builder args = trainer(2)
                    .distributed(group)
                    .shardHead(true)
                    .checkpoints(group.rank() == 0 ? first : second)
                    .resume(true);
            try (Recognizer recognizer = recognizer()) {
                if (group.rank() == 0) {
                    centers.complete(centers(recognizer));
                }
                String reason = "it was not refused";
                try {
                    new Trainer(args.build()).fit(recognizer, faces());
                } catch (IllegalStateException | IllegalArgumentException e) {
                    reason = e.getMessage();
                }
                recognizer.save(folder.resolve("saved-by-" + group.rank()));
                return reason;
            }
        });
        for (int rank = 0; rank < 2; rank++) {
            try (Recognizer saved = recognizer(folder.resolve("saved-by-" + rank))) {
                assertThat(centers(saved)).as("saved by rank %d", rank).isEqualTo(centers.join());
            }
        }
        return reasons;
    }

    private static float[] centers(Recognizer recognizer) {
        return TinyTraining.weights(recognizer).get("model.head.weight");
    }
}
