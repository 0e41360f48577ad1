package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.Recognizer;
import org.facerecognition.export.ExportFormat;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code export}: writes a model for other runtimes. */
@Command(
        name = "export",
        description = {
            "Write a model for other runtimes.",
            "Writes the encoder for PyTorch and DJL (torchscript) or for ONNX Runtime and others (onnx), or its weights"
                    + " only (safetensors). The file says what its input must be."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
@HelpSection.Refused({"--input", "--int8", "--bf16", "--min-cosine"})
final class ExportCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--format", paramLabel = "NAME", required = true, description = "One of: ${COMPLETION-CANDIDATES}.")
    private ExportFormat format;

    @Option(
            names = "--normalize",
            description =
                    "Make normalization part of the exported model: it takes uint8 pixels 0..255 and returns unit-norm"
                            + " embeddings.")
    private boolean normalize;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The file to write.")
    private Path out;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        OutputFile.requireWritable("--out", out);
        model.requireOther("--out", out);
        try (Recognizer recognizer = model.load()) {
            recognizer.export(out, format, normalize);
        }
        spec.commandLine().getOut().println(json ? line() : "wrote " + out);
        return 0;
    }

    private String line() throws IOException {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("file", out.toString());
        figures.put("format", format.toString());
        figures.put("bytes", Files.size(out));
        return Json.line(figures);
    }
}
