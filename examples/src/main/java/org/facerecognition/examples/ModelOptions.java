package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the model to use: one that this program trained, or weights from elsewhere. */
@HelpSection(Heading.MODEL)
final class ModelOptions {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "FILE",
            description = "A model, a checkpoint of a training, or with --encoder weights from elsewhere (.pth, .pt,"
                    + " .safetensors).")
    private Path model;

    @Option(
            names = "--encoder",
            paramLabel = "NAME",
            description = "The encoder that the weights belong to, for a file that contains weights only.")
    private @Nullable String encoder;

    /** Loads the model; owned. */
    Recognizer load() {
        if (encoder == null) {
            return ModelFile.load(model);
        }
        Encoder architecture = Encoder.of(encoder);
        try {
            return Recognizer.pretrained(architecture, Weights.read(model));
        } catch (WeightsException e) {
            ModelFile.requireWeights(model, e);
            throw e;
        }
    }
}
