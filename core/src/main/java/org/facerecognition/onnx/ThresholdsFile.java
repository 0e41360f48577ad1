package org.facerecognition.onnx;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.JsonTree;
import org.facerecognition.io.WriterLock;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * The thresholds of an ONNX model, in the file {@code MODEL.thresholds.json} beside it, since the model itself is not
 * changed: by the model's fingerprint, so that those of another input stay apart.
 */
public final class ThresholdsFile {
    private static final String FORMAT_KEY = "format";
    private static final String FORMAT = "face-recognition thresholds 1";
    private static final long MAX_BYTES = 16 << 20;

    private ThresholdsFile() {}

    /** Returns the file beside a model. */
    public static Path beside(Path model) {
        return model.resolveSibling(model.getFileName() + ".thresholds.json");
    }

    /**
     * Returns what a model's file would say of its thresholds.
     *
     * @param fingerprint of the model
     * @return metadata of {@link org.facerecognition.onnx.OnnxModel#metadata} or of a model of this library; empty if
     *     there is no such file or nothing of this model in it
     * @throws WeightsException when the file is damaged
     */
    public static Map<String, String> read(Path model, String fingerprint) {
        return texts(all(beside(model)), fingerprint);
    }

    private static Map<String, String> texts(ObjectNode all, String fingerprint) {
        Map<String, String> texts = new LinkedHashMap<>();
        all.path(fingerprint)
                .properties()
                .forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
        return texts;
    }

    /**
     * Records a model's thresholds; those of other fingerprints stay, also those that others record at the same time.
     *
     * @param change from what {@link #read} returns now to what it is to return
     * @throws WeightsException when the file is damaged or cannot be written
     */
    public static void write(Path model, String fingerprint, UnaryOperator<Map<String, String>> change) {
        Path file = beside(model);
        try (WriterLock lock = WriterLock.await(file.resolveSibling(file.getFileName() + ".lock"), "a calibration")) {
            ObjectNode all = all(file);
            Map<String, String> metadata = change.apply(texts(all, fingerprint));
            all.put(FORMAT_KEY, FORMAT);
            ObjectNode texts = all.putObject(fingerprint);
            metadata.forEach(texts::put);
            AtomicFile.write(file, all.toPrettyString());
        } catch (IOException e) {
            throw new WeightsException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    private static ObjectNode all(Path file) {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw damaged(file, null);
            }
            JsonNode node = JsonTree.read(Files.readString(file));
            if (node instanceof ObjectNode object
                    && FORMAT.equals(object.path(FORMAT_KEY).asText())) {
                return object;
            }
            throw damaged(file, null);
        } catch (NoSuchFileException e) {
            return JsonNodeFactory.instance.objectNode();
        } catch (JsonProcessingException | CharacterCodingException e) {
            throw damaged(file, e);
        } catch (IOException e) {
            throw new WeightsException("cannot read " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    private static WeightsException damaged(Path file, @Nullable Exception cause) {
        return new WeightsException(
                file + " is damaged or does not hold thresholds; delete it and calibrate the model again", cause);
    }
}
