package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of which model to use: one of ours, or weights that others trained. */
final class ModelOptions {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "FILE",
            description =
                    "A model, a training's checkpoint, or with --encoder others' weights (.pth, .pt, .safetensors).")
    private Path model;

    @Option(names = "--encoder", paramLabel = "NAME", description = "Whose weights the file has, when it has no more.")
    private @Nullable String encoder;

    Recognizer load() {
        if (encoder == null) {
            return ModelFile.load(model);
        }
        Encoder known = Encoder.of(encoder);
        try {
            return Recognizer.pretrained(known, Weights.read(model));
        } catch (WeightsException e) {
            ModelFile.requireWeights(model, e);
            throw e;
        }
    }
}
