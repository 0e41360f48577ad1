package org.facerecognition;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.ParameterOptimizer;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * The backups of a training: {@code last.ckpt} after each epoch, {@code best.ckpt} for the best one. Each is a model
 * file that {@link Recognizer#load} reads, with the optimiser's state, the random generator's and the progress beside
 * the weights. Written beside and moved: whatever happens, the former one stays whole until the new one is.
 */
final class Backups {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String OPTIMIZER_PREFIX = "optimizer.";
    private static final String RANDOM_STATE = "random.cpu";
    private static final String PROGRESS = "progress";
    private static final String TRAINING = "training";

    private final TrainerArgs args;
    private final Recognizer recognizer;
    private final ParameterOptimizer optimizer;
    private final Map<String, String> training;

    Backups(
            TrainerArgs args,
            Recognizer recognizer,
            ParameterOptimizer optimizer,
            FaceDataset train,
            FaceDataset validation) {
        this.args = args;
        this.recognizer = recognizer;
        this.optimizer = optimizer;
        this.training = description(train, validation);
    }

    /** All that must be the same for a resumed training to be the one that was stopped. */
    private Map<String, String> description(FaceDataset train, FaceDataset validation) {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("data", train.fingerprint() + " " + validation.fingerprint());
        all.put("optimizer", args.optimizer().toString());
        all.put("learning rate", args.learningRate() + " by " + args.scheduleUnit());
        all.put("freezer", String.valueOf(args.freezer()));
        all.put("score", args.score().toString());
        all.put("batch size", args.batchSize() + " x " + args.accumulation());
        all.put("gradient clip", Double.toString(args.gradientClip()));
        all.put("head rate factor", Double.toString(args.headRateFactor()));
        all.put("margin warm-up", args.marginWarmupEpochs() + " epochs");
        all.put("head from means", Boolean.toString(args.headFromMeans()));
        all.put("decay of norm and bias", Boolean.toString(args.decayNormAndBias()));
        all.put("precision", args.precision().toString());
        all.put("sampler", args.sampler().toString());
        all.put(
                "unseen faces",
                args.verification() == null ? "" : args.verification().fingerprint());
        all.put("best by", args.bestBy() == BestBy.ACCURACY ? "" : args.bestBy().toString()); // "" as in older backups
        all.put("seed", Long.toString(args.seed()));
        all.put("model", recognizer.model().toBuild().toString());
        return all;
    }

    TrainingProgress resumeOrStart() {
        Path last = last();
        if (last == null || !Files.exists(last)) {
            return new TrainingProgress();
        }
        if (!args.resume()) {
            throw new IllegalStateException(
                    last + " holds a training already; resume it, or choose another backup" + " folder");
        }
        SafeTensors file = SafeTensors.open(last);
        Map<String, String> metadata = file.metadata();
        if (!metadata.containsKey(PROGRESS) || !metadata.containsKey(TRAINING)) {
            throw new WeightsException(last + " must be a training's backup to be resumed, but is a model alone");
        }
        try {
            checkSame(last, JSON.readTree(metadata.get(TRAINING)));
            TrainingProgress progress = JSON.readValue(metadata.get(PROGRESS), TrainingProgress.class);
            fill(file);
            recognizer.model().adopt(RecognizerModel.fromMetadata(file));
            return progress;
        } catch (JsonProcessingException e) {
            throw new WeightsException(
                    last + " is damaged: its progress cannot be understood; use best.ckpt in its place", e);
        }
    }

    private void checkSame(Path last, JsonNode saved) {
        training.forEach((what, now) -> {
            String then = saved.path(what).asText();
            if (!then.equals(now)) {
                throw new IllegalStateException(last + " is of another training: its " + what + " was " + then
                        + ", and is now " + now + "; use the former settings and data, or another backup folder");
            }
        });
    }

    private void fill(SafeTensors file) {
        try (PointerScope scope = new PointerScope()) {
            recognizer.fill(file);
            Map<String, Tensor> state = new LinkedHashMap<>();
            for (String name : file.names()) {
                if (name.startsWith(OPTIMIZER_PREFIX)) {
                    state.put(name.substring(OPTIMIZER_PREFIX.length()), file.read(name));
                }
            }
            optimizer.load(state);
            Generator generator = torch.getDefaultCPUGenerator();
            generator.set_state(file.read(RANDOM_STATE));
        }
    }

    void saveLast(TrainingProgress progress) {
        save(last(), progress);
    }

    void saveBest(TrainingProgress progress) {
        save(args.backup() == null ? null : args.backup().resolve("best.ckpt"), progress);
    }

    private void save(@Nullable Path file, TrainingProgress progress) {
        if (file == null) {
            return;
        }
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> tensors = recognizer.tensors();
            optimizer.state().forEach((name, tensor) -> tensors.put(OPTIMIZER_PREFIX + name, tensor));
            tensors.put(RANDOM_STATE, torch.getDefaultCPUGenerator().get_state());
            Map<String, String> metadata = recognizer.model().toMetadata();
            metadata.put(PROGRESS, JSON.writeValueAsString(progress));
            metadata.put(TRAINING, JSON.writeValueAsString(training));
            SafeTensors.write(file, tensors, metadata);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write the progress as JSON", e);
        }
        args.listeners().forEach(listener -> listener.backedUp(file));
    }

    private @Nullable Path last() {
        return args.backup() == null ? null : args.backup().resolve("last.ckpt");
    }

    /** For a message: where the latest good state is. */
    String lastKept() {
        Path last = last();
        return last != null && Files.exists(last)
                ? "; " + last + " holds the training as it was at the last backup"
                : "";
    }
}
