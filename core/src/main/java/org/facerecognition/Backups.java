package org.facerecognition;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.train.ParameterOptimizer;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * The checkpoints of a training: {@code last.ckpt} after each epoch, {@code best.ckpt} for the best one. Each is a
 * model file that {@link Recognizer#load} reads, with the states of the optimizer and of the random generators and the
 * progress beside the weights. A file is replaced atomically, and only by one whose values are all finite.
 */
final class Backups {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String OPTIMIZER_PREFIX = "optimizer.";
    private static final String CPU_GENERATOR = "random.cpu";
    private static final String ACCELERATOR_GENERATOR = "random.accelerator";
    private static final String PROGRESS = "progress";
    private static final String TRAINING = "training";

    private final TrainerArgs args;
    private final Recognizer recognizer;
    private final ParameterOptimizer optimizer;
    private final RandomStream random;
    private final @Nullable TrainingDescription training; // null without checkpoints
    private long stepsKept = -1; // of last.ckpt; -1 when there is none

    Backups(
            TrainerArgs args,
            Recognizer recognizer,
            ParameterOptimizer optimizer,
            RandomStream random,
            @Nullable TrainingDescription training) {
        this.args = args;
        this.recognizer = recognizer;
        this.optimizer = optimizer;
        this.random = random;
        this.training = training;
    }

    /** Whether there is something to go on from, and it is to be gone on from. */
    boolean isResumed() {
        return stepsKept >= 0;
    }

    /**
     * The start, or where {@code last.ckpt} was, with weights, optimizer and generators as it has them.
     *
     * @throws IllegalStateException when there is a checkpoint that is not to be resumed, or is of another training
     * @throws WeightsException when it cannot be read; nothing is changed then
     */
    TrainingProgress resumeOrStart() {
        Path last = last();
        if (last == null || training == null || !Files.exists(last)) {
            return new TrainingProgress();
        }
        if (!args.resume()) {
            throw new IllegalStateException(
                    last + " holds a training already; resume it, or choose another backup" + " folder");
        }
        try (SafeTensors file = SafeTensors.open(last)) {
            Map<String, String> metadata = file.metadata();
            if (!metadata.containsKey(PROGRESS) || !metadata.containsKey(TRAINING)) {
                throw new WeightsException(last + " must be a training's backup to be resumed, but is a model alone");
            }
            training.requireSame(last, JSON.readTree(metadata.get(TRAINING)));
            TrainingProgress progress = JSON.readValue(metadata.get(PROGRESS), TrainingProgress.class);
            RecognizerModel model = RecognizerModel.fromMetadata(file);
            fill(file);
            recognizer.model().adopt(model);
            recognizer.model().clearThresholds(); // an older checkpoint may have some, of other weights
            stepsKept = progress.step;
            return progress;
        } catch (JsonProcessingException e) {
            throw new WeightsException(
                    last + " is damaged: its progress cannot be understood; use best.ckpt in its place", e);
        }
    }

    private void fill(SafeTensors file) {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> state = new LinkedHashMap<>();
            for (String name : file.names()) {
                if (name.startsWith(OPTIMIZER_PREFIX)) {
                    state.put(name.substring(OPTIMIZER_PREFIX.length()), file.read(name));
                }
            }
            Tensor generator = file.read(CPU_GENERATOR);
            Tensor accelerator = file.names().contains(ACCELERATOR_GENERATOR) ? file.read(ACCELERATOR_GENERATOR) : null;
            random.restore(generator, accelerator);
            optimizer.load(state);
            recognizer.fill(file); // the recognizer last: the others go when this fails
        }
    }

    void saveLast(TrainingProgress progress) {
        Path last = last();
        if (last != null) {
            save(last, progress);
            stepsKept = progress.step;
            tell(last);
        }
    }

    void saveBest(TrainingProgress progress) {
        if (args.backup() != null) {
            Path best = args.backup().resolve("best.ckpt");
            save(best, progress);
            tell(best);
        }
    }

    private void tell(Path file) {
        args.listeners().forEach(listener -> listener.backedUp(file));
    }

    private void save(Path file, TrainingProgress progress) {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = recognizer.tensors();
            optimizer.state().forEach((name, tensor) -> tensors.put(OPTIMIZER_PREFIX + name, tensor));
            requireFinite(tensors, progress);
            tensors.put(CPU_GENERATOR, random.cpuState());
            Tensor accelerator = random.acceleratorState();
            if (accelerator != null) {
                tensors.put(ACCELERATOR_GENERATOR, accelerator);
            }
            Map<String, String> metadata = recognizer.model().toMetadata();
            metadata.put(PROGRESS, JSON.writeValueAsString(progress));
            metadata.put(TRAINING, training == null ? "{}" : training.toJson());
            SafeTensors.write(file, tensors, metadata);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write the progress as JSON", e);
        }
    }

    /** What is not finite can never be trained further, and must not take the place of what can. */
    private void requireFinite(Map<String, Tensor> tensors, TrainingProgress progress) {
        tensors.forEach((name, tensor) -> {
            if (tensor.is_floating_point() && !isFinite(tensor)) {
                throw Divergence.ofState(name, progress.step, progress.lastLoss, lastKept());
            }
        });
    }

    private static boolean isFinite(Tensor tensor) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            return Double.isFinite(tensor.sum().item_double()) // quick; of finite values it may overflow
                    || tensor.isfinite().all().item_bool();
        }
    }

    private @Nullable Path last() {
        return args.backup() == null ? null : args.backup().resolve("last.ckpt");
    }

    /** For a message: where the latest good state is. */
    String lastKept() {
        return stepsKept < 0 ? "" : "; " + last() + " holds the training as it was after step " + stepsKept;
    }
}
