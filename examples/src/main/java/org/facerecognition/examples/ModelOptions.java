package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.examples.HelpSection.Heading;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of the model to use: one that this program trained, or weights from elsewhere. */
@HelpSection(Heading.MODEL)
final class ModelOptions {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "FILE",
            description = "A model, a checkpoint of a training, or with --encoder weights from elsewhere (.pth, .pt,"
                    + " .ckpt, .safetensors).")
    private Path model;

    @Option(
            names = "--encoder",
            paramLabel = "NAME",
            description = "The encoder that the weights belong to, for a file that contains weights only.")
    private @Nullable String encoder;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Loads the model; owned. Says on standard error what of the file is not used. */
    Recognizer load() {
        if (encoder == null) {
            return ModelFile.load(model);
        }
        Recognizer recognizer = ModelFile.load(model, Encoder.of(encoder));
        recognizer.warnings().forEach(command.commandLine().getErr()::println);
        return recognizer;
    }
}
