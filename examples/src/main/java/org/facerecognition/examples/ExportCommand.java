package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.facerecognition.ExportFormat;
import org.facerecognition.Recognizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code export}: a model for other runtimes. */
@Command(
        name = "export",
        description =
                "Write a model's encoder for PyTorch and DJL (torchscript), ONNX Runtime and others (onnx), or its"
                        + " weights alone (safetensors). What its input must be lies in the file.",
        mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--format", required = true, description = "One of: ${COMPLETION-CANDIDATES}.")
    private ExportFormat format;

    @Option(
            names = "--normalise",
            description =
                    "Take uint8 pixels 0..255 and give embeddings of length 1: normalisation is part of the model.")
    private boolean normalise;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The file to write.")
    private Path out;

    @Override
    public Integer call() {
        try (Recognizer recognizer = model.load()) {
            recognizer.export(out, format, normalise);
        }
        spec.commandLine().getOut().println("wrote " + out);
        return 0;
    }
}
