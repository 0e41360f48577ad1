package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Tests that a model file whose metadata describes a different network than its tensors belong to is rejected in one
 * sentence, before that network is built.
 */
class ClaimedNetTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"classes\":2 | \"classes\":2000000000" + " | is damaged: its number of classes must be at most 8,",
                "\"embeddingSizes\":[8] | \"embeddingSizes\":[2000000000]"
                        + " | is damaged: its embedding size must be at most 512,",
                "\"imageSizePx\":112 | \"imageSizePx\":100000000"
                        + " | is damaged: its metadata cannot be understood: imageSizePx must be at most 4096, but was"
                        + " 100000000",
                "MOBILEFACENET | EFFICIENTNET_V2_M"
                        + " | is damaged: the net that it describes cannot be made: last layer must be "
            })
    void rejectsMetadataThatDoesNotMatchTheTensors(String original, String altered, String message) {
        Path file = folder.resolve("model.ckpt");
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(8)
                .classes(2)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            recognizer.save(file);
        }
        Path other = folder.resolve("other.ckpt");
        try (PointerScope scope = new PointerScope();
                SafeTensors saved = SafeTensors.open(file)) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            saved.names().forEach(name -> tensors.put(name, saved.read(name)));
            Map<String, String> metadata = new LinkedHashMap<>(saved.metadata());
            metadata.replaceAll((key, value) -> value.replace(original, altered));
            SafeTensors.write(other, tensors, metadata);
        }
        assertThatThrownBy(() -> Recognizer.load(other))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(other + " " + message)
                .hasMessageNotContaining("\n");
    }
}
