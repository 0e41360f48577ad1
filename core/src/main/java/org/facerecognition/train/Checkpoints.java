package org.facerecognition.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.Existence;
import org.facerecognition.natives.RandomStream;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * The checkpoints of a training: {@code last.ckpt} after each epoch, {@code best.ckpt} for the best one. Each is a
 * model file that {@code Recognizer.load} reads, with the states of the optimizer and of the random generators and the
 * progress beside the weights. A file is replaced atomically, and only by one whose values are all finite.
 */
public final class Checkpoints {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String LAST = "last.ckpt";
    private static final String BEST = "best.ckpt";
    private static final String OPTIMIZER_PREFIX = "optimizer.";
    private static final String CPU_GENERATOR = "random.cpu";
    private static final String ACCELERATOR_GENERATOR = "random.accelerator";
    private static final String PROGRESS = "progress";
    private static final String TRAINING = "training";

    private final Checkpointing settings;
    private final Model model;
    private final ParameterOptimizer optimizer;
    private final RandomStream random;
    private final @Nullable TrainingDescription training; // null without checkpoints
    private final List<TrainingListener> listeners;
    private final boolean writes;
    private final @Nullable HeadShards shards; // null if all weights are whole
    private long savedStep = -1; // of the checkpoint that was read or written last; -1 when there is none
    private @Nullable Path saved;

    /** The model that is trained, as its file sees it. */
    public interface Model {
        /** All weights by their names in a file; inside a scope. */
        Map<String, Tensor> tensors();

        /** All that a file says of the model beside its weights; to be changed freely. */
        Map<String, String> metadata();

        /**
         * Compares the weights and the metadata of a file with the model, and reads no weights.
         *
         * @throws WeightsException when they do not fit
         */
        void requireFits(SafeTensors file);

        /**
         * Takes on the weights and the metadata of a file, all or nothing.
         *
         * @throws WeightsException when they do not fit; nothing is changed then
         */
        void restore(SafeTensors file);
    }

    /**
     * @param training describes the training, to be compared on resuming; null without checkpoints
     * @param writes whether this process writes files; of several that train together only one does, and all read
     * @param shards of a head that is spread over processes; null for none. Then all of them save at the same time
     */
    public Checkpoints(
            Checkpointing settings,
            Model model,
            ParameterOptimizer optimizer,
            RandomStream random,
            @Nullable TrainingDescription training,
            List<TrainingListener> listeners,
            boolean writes,
            @Nullable HeadShards shards) {
        this.settings = settings;
        this.model = model;
        this.optimizer = optimizer;
        this.random = random;
        this.training = training;
        this.listeners = listeners;
        this.writes = writes;
        this.shards = shards;
    }

    /** Returns whether there is a checkpoint in the folder. */
    public static boolean isThere(Checkpointing settings) {
        return settings.folder() != null && resumableIn(settings.folder()) != null;
    }

    /**
     * Returns the checkpoint from which the training in a folder would be resumed: {@code last.ckpt}; if somebody has
     * removed it, {@code best.ckpt}; null when there is none.
     *
     * @throws WeightsException when that cannot be told, as where a link leads to a disk that is not mounted: a new
     *     training would replace what is there
     */
    public static @Nullable Path resumableIn(Path folder) {
        return Stream.of(LAST, BEST)
                .map(folder::resolve)
                .filter(Checkpoints::exists)
                .findFirst()
                .orElse(null);
    }

    private static boolean exists(Path file) {
        try {
            return Existence.of(file);
        } catch (IOException e) {
            throw new WeightsException(
                    "checkpoint " + file + " may exist, but cannot be read: " + AtomicFile.reason(e), e);
        }
    }

    /** Returns whether there was a best epoch, whose {@code best.ckpt} somebody has removed. */
    public boolean lacksBest(TrainingProgress progress) {
        return settings.folder() != null
                && progress.bestScore > Double.NEGATIVE_INFINITY
                && !exists(settings.folder().resolve(BEST));
    }

    /** Whether the training continues from a checkpoint. */
    public boolean isResumed() {
        return savedStep >= 0;
    }

    /**
     * Returns the progress of the checkpoint that is {@linkplain #resumableIn in the folder}, with weights, optimizer
     * and generators restored from it; or of a new training where there is no checkpoint.
     *
     * @param agree is given the progress before anything is changed, and throws when other processes have another one
     * @throws IllegalStateException when there is a checkpoint that is not to be resumed, or is of another training;
     *     nothing is changed then
     * @throws IllegalArgumentException when its optimizer state does not fit; nothing is changed then
     * @throws WeightsException when it does not fit or cannot be read. No weights are changed then, but of a head that
     *     is spread, the whole one is gone if the file fits and reading it fails later
     */
    public TrainingProgress resumeOrStart(Consumer<TrainingProgress> agree) {
        Path last = settings.folder() == null ? null : resumableIn(settings.folder());
        if (last == null || training == null) {
            TrainingProgress start = new TrainingProgress();
            agree.accept(start);
            return start;
        }
        if (!settings.resume()) {
            throw new IllegalStateException(
                    last + " holds a training already; resume it, or choose another checkpoint folder");
        }
        try (SafeTensors file = SafeTensors.open(last)) {
            Map<String, String> metadata = file.metadata();
            if (!metadata.containsKey(PROGRESS) || !metadata.containsKey(TRAINING)) {
                throw new WeightsException(
                        last + " must be a training's checkpoint to be resumed, but is a model alone");
            }
            training.requireSame(last, JSON.readTree(metadata.get(TRAINING)), settings.acceptChangedImages());
            training.notes(JSON.readTree(metadata.get(TRAINING)))
                    .forEach(note -> listeners.forEach(listener -> listener.noted(note)));
            TrainingProgress progress = progress(last, metadata.get(PROGRESS));
            SafeTensors mine = shards == null ? file : shards.mine(file);
            requireFits(mine);
            agree.accept(progress);
            if (shards != null) {
                shards.dropWhole(); // its memory is needed for the state of the optimizer
            }
            restore(mine);
            savedStep = progress.step;
            saved = last;
            if (last.endsWith(BEST)) {
                listeners.forEach(listener -> listener.noted("there is no " + LAST + " in " + settings.folder()
                        + ": the training continues from " + BEST + ", after step " + progress.step));
            }
            return progress;
        } catch (JsonProcessingException e) {
            throw damaged(last, e);
        }
    }

    /**
     * Checks that a file to be written is none that a training is resumed from.
     *
     * @throws IllegalArgumentException when it is
     */
    public static void requireNotResumedFrom(Path file) {
        if (isResumedFrom(file)) {
            throw new IllegalArgumentException("the file to write must not be the checkpoint of a training, which could"
                    + " not be resumed any more, but was " + file + "; give another file");
        }
    }

    /** Returns whether a file, or what a link points to, is the checkpoint that a training would be resumed from. */
    public static boolean isResumedFrom(Path link) {
        Path file;
        try {
            file = AtomicFile.real(link); // as a writer sees it
        } catch (IOException e) {
            return false; // a writer cannot write to it either
        }
        @Nullable Path folder = file.toAbsolutePath().getParent();
        if (folder == null || !file.toAbsolutePath().equals(resumableIn(folder))) {
            return false;
        }
        try (SafeTensors checkpoint = SafeTensors.open(file)) {
            return checkpoint.metadata().containsKey(TRAINING);
        } catch (WeightsException e) {
            return false;
        }
    }

    /**
     * Names the last checkpoint of a folder by its step and epoch, for messages; empty when there is none.
     *
     * @throws WeightsException when it cannot be read
     */
    public static String lastIn(Path folder) {
        Path last = resumableIn(folder);
        if (last == null) {
            return "";
        }
        try (SafeTensors file = SafeTensors.open(last)) {
            TrainingProgress progress = progress(last, file.metadata().getOrDefault(PROGRESS, "{}"));
            return "the checkpoint after " + progress.place();
        }
    }

    private static TrainingProgress progress(Path last, String json) {
        try {
            @Nullable TrainingProgress progress = JSON.readValue(json, TrainingProgress.class);
            if (progress != null) { // null is JSON too
                return progress;
            }
        } catch (JsonProcessingException e) {
            throw damaged(last, e);
        }
        throw damaged(last, null);
    }

    private static WeightsException damaged(Path last, @Nullable JsonProcessingException cause) {
        if (cause instanceof UnrecognizedPropertyException unknown) {
            return new WeightsException(
                    last + " was written by a later version of this library: its progress has \""
                            + unknown.getPropertyName() + "\", which this version does not know; resume with that one",
                    cause);
        }
        boolean hasBest = last.endsWith(LAST) && exists(last.resolveSibling(BEST));
        return new WeightsException(
                last + " is damaged: its progress cannot be understood"
                        + (hasBest ? "; move it away to continue from " + BEST : ""),
                cause);
    }

    private void requireFits(SafeTensors file) {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        file.names().stream()
                .filter(name -> name.startsWith(OPTIMIZER_PREFIX))
                .forEach(name -> shapes.put(name.substring(OPTIMIZER_PREFIX.length()), file.shape(name)));
        file.shape(CPU_GENERATOR); // is there
        try (PointerScope scope = new PointerScope()) {
            optimizer.requireFits(shapes);
        }
        model.requireFits(file);
    }

    private void restore(SafeTensors file) {
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
            model.restore(file); // last: the training fails, and optimizer and generators with it, when this does
        }
    }

    /** Writes {@code last.ckpt}. */
    public void saveLast(TrainingProgress progress) {
        if (settings.folder() != null) {
            Path last = settings.folder().resolve(LAST);
            save(last, progress);
            savedStep = progress.step;
            saved = last;
        }
    }

    /** Writes {@code best.ckpt}. */
    public void saveBest(TrainingProgress progress) {
        if (settings.folder() != null) {
            save(settings.folder().resolve(BEST), progress);
        }
    }

    /**
     * Loads classes of JavaCPP that checkpoints need and training does not, before their libraries may be deleted.
     */
    public void loadClasses() {
        if (settings.folder() != null) {
            model.metadata();
        }
    }

    private void save(Path file, TrainingProgress progress) {
        if (writes || shards != null) {
            write(file, progress);
        }
        if (writes) {
            listeners.forEach(listener -> listener.checkpointSaved(file));
        }
    }

    private void write(Path file, TrainingProgress progress) {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = model.tensors();
            optimizer.state().forEach((name, tensor) -> tensors.put(OPTIMIZER_PREFIX + name, tensor));
            requireFinite(tensors, progress);
            tensors.put(CPU_GENERATOR, random.cpuState());
            Tensor accelerator = random.acceleratorState();
            if (accelerator != null) {
                tensors.put(ACCELERATOR_GENERATOR, accelerator);
            }
            if (shards == null) {
                SafeTensors.write(file, tensors, metadata(progress));
            } else if (writes) {
                SafeTensors.writeParts(file, shards.collected(tensors), metadata(progress));
            } else {
                shards.send(tensors);
            }
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write the progress as JSON", e);
        }
    }

    private Map<String, String> metadata(TrainingProgress progress) throws JsonProcessingException {
        Map<String, String> metadata = model.metadata();
        metadata.put(PROGRESS, JSON.writeValueAsString(progress));
        metadata.put(TRAINING, training == null ? "{}" : training.toJson());
        return metadata;
    }

    /**
     * Checks the state of a training that writes no checkpoints, which are checked when they are written.
     *
     * @throws NonFiniteLossException naming a weight or an optimizer state that is NaN or infinite
     */
    public void requireFiniteState(TrainingProgress progress) {
        if (settings.folder() == null) {
            try (PointerScope scope = new PointerScope()) {
                Map<String, Tensor> tensors = model.tensors();
                optimizer.state().forEach((name, tensor) -> tensors.put(OPTIMIZER_PREFIX + name, tensor));
                requireFinite(tensors, progress);
            }
        }
    }

    /** Values that are not finite can never be trained further, and must not replace values that can. */
    private void requireFinite(Map<String, Tensor> tensors, TrainingProgress progress) {
        String name = nonFinite(tensors).orElse(null);
        if (shards != null && shards.any(name != null) && name == null) {
            name = "class centers of another process";
        }
        if (name != null) {
            throw Divergence.ofState(name, progress.step, progress.lastLoss, lastSaved());
        }
    }

    /** Returns the name of the first tensor that has a value that is NaN or infinite. */
    public static Optional<String> nonFinite(Map<String, Tensor> tensors) {
        return tensors.entrySet().stream()
                .filter(named -> named.getValue().is_floating_point() && !isFinite(named.getValue()))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    private static boolean isFinite(Tensor tensor) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            return Double.isFinite(tensor.sum().item_double()) // quick; of finite values it may overflow
                    || tensor.isfinite().all().item_bool();
        }
    }

    /** For the end of a message: where the latest good state is; empty when there is none. */
    public String lastSaved() {
        return savedStep < 0 ? "" : "; " + saved + " holds the training as it was after step " + savedStep;
    }
}
