package org.facerecognition.export;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.data.ModelInput;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation;
import org.facerecognition.weights.NamedTensors;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;

/** Exports an encoder for other runtimes, with metadata that describes its input and output. */
public final class ModelExport {
    /** The format in an exported file's metadata. */
    public static final String FORMAT = "face-recognition export 1";

    private final ModelInput input;
    private final Map<String, String> metadata;
    private final Backbone encoder;

    /**
     * Creates an export.
     *
     * @param input the input that the encoder takes
     * @param metadata the model's metadata, as in its own file
     * @param encoder borrowed
     */
    public ModelExport(ModelInput input, Map<String, String> metadata, Backbone encoder) {
        this.input = input;
        this.metadata = metadata;
        this.encoder = encoder;
    }

    /**
     * Writes a file; an existing one is replaced atomically.
     *
     * @param normalize whether the model takes pixels 0..255 and returns L2-normalized embeddings
     * @throws IllegalArgumentException when {@code normalize} is set for safetensors, which cannot express it
     * @throws ExportException when the file cannot be written
     */
    public void write(Path file, ExportFormat format, boolean normalize) {
        if (format == ExportFormat.SAFETENSORS) {
            if (normalize) {
                throw new IllegalArgumentException("a safetensors file must be without normalization, since it has"
                        + " weights only; export torchscript or onnx");
            }
            try (PointerScope scope = new PointerScope()) {
                SafeTensors.write(file, NamedTensors.of(encoder), contract(false));
            } catch (WeightsException e) {
                throw new ExportException(String.valueOf(e.getMessage()), e);
            }
            return;
        }
        try (Graph plain = encoder.graph()) {
            if (normalize) {
                var pixels = new Operation.Normalize(
                        input.normalization().mean(), input.normalization().std());
                try (Graph normalizing = plain.between(pixels, new Operation.L2Normalize())) {
                    write(file, format, normalizing, contract(true));
                }
            } else {
                write(file, format, plain, contract(false));
            }
        }
    }

    private void write(Path file, ExportFormat format, Graph graph, Map<String, String> contract) {
        if (format == ExportFormat.ONNX) {
            OnnxFile.write(file, graph, input.sizePx(), encoder.embeddingSize(), contract);
        } else {
            TorchScriptFile.write(file, graph, input.sizePx(), contract);
        }
    }

    /** Returns the metadata that the file's users need. */
    private Map<String, String> contract(boolean normalize) {
        Map<String, String> contract = new LinkedHashMap<>();
        contract.put("format", FORMAT);
        contract.put(
                "input",
                "[B, 3, " + input.sizePx() + ", " + input.sizePx() + "], "
                        + (normalize
                                ? "uint8, pixels 0..255"
                                : "float32, (pixel - mean) / std per channel, pixels 0..255"));
        contract.put(
                "output",
                "[B, " + encoder.embeddingSize() + "], float32, "
                        + (normalize ? "L2-normalized" : "not L2-normalized; compare by cosine"));
        contract.put("normalizationIncluded", Boolean.toString(normalize));
        contract.put("embeddingSize", Integer.toString(encoder.embeddingSize()));
        for (String key : new String[] {
            "architecture",
            "imageSizePx",
            "colorOrder",
            "normalization",
            "crop",
            "thresholds",
            "calibration",
            "data",
            "startedFrom",
            "license"
        }) {
            if (metadata.containsKey(key)) {
                contract.put(key, metadata.get(key));
            }
        }
        return contract;
    }
}
