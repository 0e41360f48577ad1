package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.losses.LossName;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests that training runs on several threads of one process do not affect each other, even while another thread
 * generates random numbers and builds networks.
 */
class ConcurrentTrainingTest {
    private static final int STEPS = 11;
    private static final long SEED = 99;

    @TempDir
    static Path folder;

    private static Path faces;
    private static Path saved;

    @BeforeAll
    static void write() {
        faces = TinyTraining.writeFaces(folder.resolve("faces"));
        saved = folder.resolve("saved.safetensors");
        try (Recognizer recognizer = small(1)) {
            recognizer.save(saved);
        }
    }

    private static Recognizer small(long seed) {
        return Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(8)
                .classes(4)
                .seed(seed)
                .build());
    }

    private static Recognizer recipe(LossName loss, double dropout, double partialFraction) {
        return Recognizer.withLoss(
                loss,
                RecognizerArgs.builder()
                        .encoder(Encoder.RESNET18)
                        .embeddingSize(16)
                        .imageSizePx(32)
                        .classes(TinyTraining.PEOPLE)
                        .dropout(dropout)
                        .partialFraction(partialFraction)
                        .build());
    }

    /** The result of a training run: the loss of each step, and digests of the final weights by name. */
    private record Outcome(List<Double> losses, Map<String, String> weights) {}

    private static Outcome train(Recognizer recognizer, long seed) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        TrainerArgs.Builder args = TinyTraining.args()
                .maxSteps(STEPS) // into the second epoch, so that one validation is included
                .seed(seed)
                .listeners(losses);
        TinyTraining.fit(recognizer, faces, args);
        assertThat(losses.all).hasSize(STEPS);
        return new Outcome(losses.all, CheckpointContents.model(recognizer));
    }

    private static Outcome trainAlone(Supplier<Recognizer> maker, long seed) {
        try (Recognizer recognizer = maker.get();
                Tensor before = generatorState()) {
            Outcome outcome = train(recognizer, seed);
            try (Tensor after = generatorState()) {
                assertThat(after.equal(before))
                        .as("libtorch's default generator is unchanged")
                        .isTrue();
            }
            return outcome;
        }
    }

    private static Tensor generatorState() {
        return torch.getDefaultCPUGenerator().get_state();
    }

    /**
     * Trains all recognizers at the same time, while another thread repeats {@code disturbance}, and asserts that each
     * result is bitwise equal to that of training alone.
     */
    private static void assertUndisturbed(List<Supplier<Recognizer>> makers, Runnable disturbance) {
        List<Outcome> alone = new ArrayList<>();
        for (int i = 0; i < makers.size(); i++) {
            alone.add(trainAlone(makers.get(i), i));
        }
        List<Recognizer> recognizers = makers.stream().map(Supplier::get).toList();
        AtomicBoolean finished = new AtomicBoolean();
        CompletableFuture<Integer> disturbing = run(() -> {
            int runs = 0;
            while (!finished.get()) {
                disturbance.run();
                runs++;
            }
            return runs;
        });
        List<CompletableFuture<Outcome>> together = new ArrayList<>();
        for (int i = 0; i < makers.size(); i++) {
            int index = i;
            together.add(run(() -> train(recognizers.get(index), index)));
        }
        try {
            assertThat(together.stream().map(CompletableFuture::join).toList()).isEqualTo(alone);
        } finally {
            finished.set(true);
            assertThat(disturbing.join()).isPositive();
            recognizers.forEach(Recognizer::close);
        }
    }

    /** Runs work on a new thread, because the common pool has too few threads on a small machine. */
    private static <T> CompletableFuture<T> run(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, task -> new Thread(task).start());
    }

    private static void createNetworks() {
        try (Recognizer loaded = Recognizer.load(saved);
                Recognizer created = small(5)) {
            assertThat(loaded.embeddingSize()).isEqualTo(created.embeddingSize());
        }
    }

    @Test
    void builtInNetworksTrainAsIfAloneWhileOthersUseTheDefaultGenerator() {
        assertUndisturbed(
                List.of(() -> recipe(LossName.ARCFACE, 0.2, 0.5), () -> recipe(LossName.ELASTICFACE_ARC, 0.2, 1)),
                () -> {
                    torch.manual_seed(SEED);
                    torch.rand(1000).close();
                    createNetworks();
                });

        try (Tensor after = generatorState()) {
            torch.manual_seed(SEED);
            torch.rand(1000).close();
            try (Tensor expected = generatorState()) {
                assertThat(after.equal(expected))
                        .as("the default generator's state, changed only by the disturbing thread")
                        .isTrue();
            }
        }
    }

    /**
     * Code outside this library that uses libtorch's default generator at the same time would disturb custom networks;
     * see RandomStream.
     */
    @Test
    void customNetworksTrainAsIfAloneBesideBuiltInOnes() {
        assertUndisturbed(
                List.of(
                        TinyTraining::recognizer,
                        TinyTraining::recognizer,
                        () -> recipe(LossName.ELASTICFACE_ARC, 0.2, 0.5)),
                ConcurrentTrainingTest::createNetworks);
    }
}
