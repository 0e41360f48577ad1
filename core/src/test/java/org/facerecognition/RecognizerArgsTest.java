package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Supplier;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.data.Normalization;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.io.JsonFields;
import org.facerecognition.io.JsonTree;
import org.junit.jupiter.api.Test;

/** Tests that what a model's metadata says is read as it was written. */
class RecognizerArgsTest {
    private static RecognizerArgs read(RecognizerArgs args) throws Exception {
        return RecognizerArgs.of(JsonFields.of(JsonTree.read(new ObjectMapper().writeValueAsString(args))));
    }

    @Test
    void everySettingIsReadAsItWasWritten() throws Exception {
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.IRESNET50)
                .encoderLastLayerName("features")
                .embeddingSizes(List.of(64, 32))
                .imageSizePx(96)
                .smallFaces(true)
                .dropout(0.25)
                .normalization(new Normalization(List.of(1.0, 2.0, 3.0), List.of(4.0, 5.0, 6.0)))
                .classes(7)
                .s(11.0)
                .m(0.2)
                .subCenters(2)
                .labelSmoothing(0.1)
                .focalGamma(1.5)
                .straightThrough(true)
                .partialFraction(0.5)
                .bf16Logits(true)
                .seed(1L << 40)
                .build();
        assertThat(read(args)).isEqualTo(args);
        Object[] values = {
            args.encoder(), args.encoderLastLayerName(), args.embeddingSizes(), args.backbone(), args.normalization(),
            args.classes(), args.loss(), args.partialFraction(), args.bf16Logits(), args.seed()
        };
        assertThat(values).as("the settings of a record").hasSize(RecognizerArgs.class.getRecordComponents().length);
        RecognizerArgs defaults = RecognizerArgs.builder().build();
        assertThat(read(defaults)).isEqualTo(defaults);
    }

    /** Files from before there was Partial FC do not have it, or have 0; given as a setting, 0 is a mistake. */
    @Test
    void aFractionOfZeroIsAcceptedInFilesOnly() throws Exception {
        assertThatThrownBy(() -> RecognizerArgs.builder().partialFraction(0).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("partialFraction must be in (0, 1], but was 0.0");
        RecognizerArgs defaults = RecognizerArgs.builder().build();
        String json = new ObjectMapper().writeValueAsString(defaults);
        assertThat(json).contains("\"partialFraction\":1.0,");
        for (String former : List.of("\"partialFraction\":0.0,", "")) {
            String text = json.replace("\"partialFraction\":1.0,", former);
            assertThat(RecognizerArgs.of(JsonFields.of(JsonTree.read(text)))).isEqualTo(defaults);
        }
    }

    @Test
    void aValueThatIsNullIsNamed() {
        Map<String, Supplier<?>> missing = new LinkedHashMap<>();
        missing.put("encoder", () -> RecognizerArgs.builder().encoder(null).build());
        missing.put(
                "encoderLastLayerName",
                () -> RecognizerArgs.builder().encoderLastLayerName(null).build());
        missing.put(
                "embeddingSizes",
                () -> RecognizerArgs.builder().embeddingSizes(null).build());
        missing.put(
                "embeddingSize",
                () -> RecognizerArgs.builder()
                        .embeddingSizes(Arrays.asList(64, null))
                        .build());
        RecognizerArgs args = RecognizerArgs.builder().build();
        missing.put(
                "loss",
                () -> new RecognizerArgs(
                        Encoder.RESNET18,
                        "fc",
                        List.of(8),
                        args.backbone(),
                        args.normalization(),
                        2,
                        null,
                        1,
                        false,
                        0));
        missing.put("optimization", () -> {
            TrainerArgs trainer = TrainerArgs.builder().build();
            return new TrainerArgs(
                    null, trainer.loading(), trainer.checkpoints(), trainer.evaluation(), trainer.listeners());
        });
        missing.put("arithmetic", () -> PrepareOptions.DEFAULT.withArithmetic(null));
        missing.forEach((name, made) -> assertThatThrownBy(made::get)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(name + " must be given, but was null"));
    }

    /** Rounded down, a threshold that is copied from a message would accept more than was asked for. */
    @Test
    void aThresholdIsPrintedRoundedUp() {
        assertThat(Threshold.of(0.35414)).hasToString("0.3542");
        assertThat(Threshold.of(0.9999912345)).hasToString("0.999991235");
    }

    @Test
    void thresholdsAreReadAsTheyWereWritten() throws Exception {
        List<Threshold> thresholds = new ArrayList<>();
        thresholds.add(new Threshold(0.4, OptionalDouble.of(0.001)));
        thresholds.add(new Threshold(0.3, OptionalDouble.of(0.01)));
        thresholds.add(new Threshold(
                0.5,
                OptionalDouble.of(0.002),
                java.util.Optional.of(new Threshold.Evidence(
                        1L << 40, 12, 34, 0.0123, new EmbeddingMode(null, true, "int8-0123456789abcdef")))));
        Map<String, String> metadata = new LinkedHashMap<>();
        ModelFiles.putThresholds(metadata, thresholds);
        assertThat(ModelFiles.thresholds(metadata)).isEqualTo(thresholds);
    }
}
