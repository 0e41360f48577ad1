package org.facerecognition;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.export.OnnxFile;
import org.facerecognition.export.TorchScriptFile;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation;
import org.facerecognition.weights.NamedTensors;
import org.facerecognition.weights.SafeTensors;

/** Writes an encoder for other runtimes, with what they have to know about its input. */
final class ModelExport {
    private final RecognizerModel model;
    private final Backbone encoder;

    ModelExport(RecognizerModel model, Backbone encoder) {
        this.model = model;
        this.encoder = encoder;
    }

    void write(Path file, ExportFormat format, boolean normalise) {
        if (format == ExportFormat.SAFETENSORS) {
            if (normalise) {
                throw new IllegalArgumentException("a safetensors file must be without normalisation, since it has"
                        + " weights only; export torchscript or onnx");
            }
            try (PointerScope scope = new PointerScope()) {
                SafeTensors.write(file, NamedTensors.of(encoder), contract(false));
            }
            return;
        }
        try (Graph plain = encoder.graph()) {
            if (normalise) {
                var pixels = new Operation.Normalize(
                        model.normalization().mean(), model.normalization().deviation());
                try (Graph whole = plain.between(pixels, new Operation.UnitLength())) {
                    write(file, format, whole, contract(true));
                }
            } else {
                write(file, format, plain, contract(false));
            }
        }
    }

    private void write(Path file, ExportFormat format, Graph graph, Map<String, String> contract) {
        if (format == ExportFormat.ONNX) {
            OnnxFile.write(file, graph, model.imageSizePx(), encoder.embeddingSize(), contract);
        } else {
            TorchScriptFile.write(file, graph, model.imageSizePx(), contract);
        }
    }

    /** What a user of the file has to know. */
    private Map<String, String> contract(boolean normalise) {
        Map<String, String> contract = new LinkedHashMap<>();
        Map<String, String> all = model.toMetadata();
        contract.put("format", "face-recognition export 1");
        contract.put(
                "input",
                "[B, 3, " + model.imageSizePx() + ", " + model.imageSizePx() + "], "
                        + (normalise
                                ? "uint8, pixels 0..255"
                                : "float32, (pixel - mean) / deviation by channel, pixels 0..255"));
        contract.put(
                "output",
                "[B, " + encoder.embeddingSize() + "], float32, "
                        + (normalise ? "of Euclidean length 1" : "not brought to length 1; compare by cosine"));
        contract.put("normalizationIncluded", Boolean.toString(normalise));
        contract.put("embeddingSize", Integer.toString(encoder.embeddingSize()));
        for (String key : new String[] {
            "architecture",
            "imageSizePx",
            "colourOrder",
            "normalization",
            "framing",
            "thresholds",
            "data",
            "startedFrom",
            "licence"
        }) {
            if (all.containsKey(key)) {
                contract.put(key, all.get(key));
            }
        }
        return contract;
    }
}
