package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tests that models embed images and are exported on a GPU as on the CPU. */
class GpuInferenceTest extends GpuFixture {
    @TempDir
    Path folder;

    private static Path model;

    @BeforeAll
    static void saveModel(@TempDir Path shared) {
        model = shared.resolve("model.safetensors");
        saveTrainedModel(model);
    }

    private static List<ImageSource> images() {
        return IntStream.range(0, UNSEEN.size())
                .<ImageSource>mapToObj(i -> UNSEEN.sample(i).image())
                .toList();
    }

    @Test
    void loadedModelEmbedsLikeOnTheCpu() {
        try (Recognizer recognizer = Recognizer.load(model)) {
            List<float[]> onCpu = recognizer.embedAll(images());
            String fingerprint = recognizer.fingerprint();
            Map<Double, Double> thresholds = recognizer.calibrate(STRANGERS, true);
            assertThat(thresholds).isNotEmpty();
            recognizer.to(GPU);
            List<float[]> onGpu = recognizer.embedAll(images());
            for (int i = 0; i < onCpu.size(); i++) {
                assertSame("image " + i, onGpu.get(i), onCpu.get(i), 1e-3);
            }
            assertThat(recognizer.fingerprint()).isEqualTo(fingerprint);
            recognizer
                    .calibrate(STRANGERS, true)
                    .forEach((far, cosine) -> assertThat(cosine).isCloseTo(thresholds.get(far), within(1e-2)));
            assertThat(recognizer.suspects(TRAIN, 1)).hasSizeGreaterThan(TRAIN.size() / 2);
            Path saved = folder.resolve("from-gpu.safetensors");
            recognizer.save(saved);
            try (Recognizer again = Recognizer.load(saved)) {
                assertThat(again.fingerprint()).isEqualTo(fingerprint);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "INT8") // for CPUs
    void preparedModelEmbedsLikeOnTheCpu(Arithmetic arithmetic) throws InterruptedException {
        try (Recognizer recognizer = Recognizer.load(model)) {
            List<float[]> onCpu = recognizer.embedAll(images());
            recognizer.to(GPU);
            try (PreparedRecognizer prepared = recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(arithmetic));
                    FaceBatcher batcher = prepared.batcher()) {
                List<float[]> onGpu = prepared.embedAll(images());
                for (int i = 0; i < onCpu.size(); i++) {
                    assertThat(Recognizer.similarity(onGpu.get(i), onCpu.get(i)))
                            .as(prepared.arithmetic())
                            .isGreaterThan(0.999);
                    assertThat(Recognizer.similarity(
                                    batcher.embed(images().get(i)).join(), onCpu.get(i)))
                            .isGreaterThan(0.999);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"RESNET18", "IRESNET18"})
    void exportsFromGpuAndCpuAreEqual(Encoder encoder) throws IOException {
        try (Recognizer recognizer = Recognizer.arcFace(
                        recipe(6).encoder(encoder).imageSizePx(112).build());
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Map<ExportFormat, Path> onCpu = export(recognizer, "cpu");
            recognizer.to(GPU);
            Map<ExportFormat, Path> onGpu = export(recognizer, "gpu");
            for (ExportFormat format : List.of(ExportFormat.ONNX, ExportFormat.SAFETENSORS)) {
                assertThat(Files.mismatch(onGpu.get(format), onCpu.get(format)))
                        .as("index of the first different byte in %s", format)
                        .isEqualTo(-1);
            }
            assertThat(run(onGpu.get(ExportFormat.TORCHSCRIPT))).isEqualTo(run(onCpu.get(ExportFormat.TORCHSCRIPT)));
        }
    }

    private Map<ExportFormat, Path> export(Recognizer recognizer, String name) {
        Map<ExportFormat, Path> files = new LinkedHashMap<>();
        for (ExportFormat format : ExportFormat.values()) {
            files.put(format, folder.resolve(name + "." + format));
            recognizer.export(files.get(format), format, format != ExportFormat.SAFETENSORS);
        }
        return files;
    }

    /** Runs a TorchScript file on the CPU. */
    private static float[] run(Path file) {
        IValueVector arguments = new IValueVector();
        arguments.push_back(new IValue(torch.ones(2, 3, 112, 112).to(ScalarType.Byte)));
        return values(torch.load(file.toString()).forward(arguments).toTensor());
    }
}
