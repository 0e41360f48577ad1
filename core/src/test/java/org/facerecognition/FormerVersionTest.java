package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.train.History;
import org.facerecognition.weights.SafeTensors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests that files of an earlier version are read and resumed, and are written again under the current names. */
class FormerVersionTest {
    private static final Path FORMER = Path.of("src/test/resources/former");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    private Path faces;

    @BeforeEach
    void writeFaces() {
        faces = TinyTraining.writeFaces(folder.resolve("faces"));
    }

    private Path checkpointFolder(String name) throws IOException {
        Path checkpoints = Files.createDirectory(folder.resolve(name));
        Files.copy(FORMER.resolve("tiny.ckpt"), checkpoints.resolve("last.ckpt"));
        return checkpoints;
    }

    private static TrainerArgs.Builder settings(Path checkpoints) {
        return TinyTraining.args()
                .headLrMultiplier(2)
                .marginWarmupEpochs(2)
                .checkpoints(checkpoints)
                .resume(true);
    }

    private static Map<String, String> metadata(Path file) {
        try (SafeTensors tensors = SafeTensors.open(file)) {
            return tensors.metadata();
        }
    }

    /** The last digits of a loss depend on the processor, so losses are compared with a tolerance. */
    @Test
    void resumedTrainingHasTheLossesOfTheEarlierVersion() throws IOException {
        List<Double> expected =
                JSON.readValue(FORMER.resolve("tiny-losses.json").toFile(), new TypeReference<List<Double>>() {});
        List<Double> actual = TinyTraining.losses(faces, settings(checkpointFolder("whole")));
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(actual.get(i)).isCloseTo(expected.get(i), within(1e-3));
        }
    }

    @Test
    void resumingAFormerCheckpointEqualsResumingACurrentOne() throws IOException {
        Path whole = checkpointFolder("whole");
        TinyTraining.losses(faces, settings(whole));
        Path inParts = checkpointFolder("parts");
        TinyTraining.losses(faces, settings(inParts).maxSteps(14)); // writes the state under the current names
        assertThat(metadata(inParts.resolve("last.ckpt")))
                .containsKeys("crop", "colorOrder", "license")
                .doesNotContainKeys("framing", "colourOrder", "licence");
        TinyTraining.losses(faces, settings(inParts));
        CheckpointContents.assertSame(inParts.resolve("last.ckpt"), whole.resolve("last.ckpt"));
    }

    @Test
    void loadsAModelWithItsMetadata() throws IOException {
        Path file = folder.resolve("former.model");
        try (Recognizer recognizer = Recognizer.withLoss(LossName.SUBCENTER_ARCFACE, args())) {
            write(recognizer, file, "model-metadata.json");
        }
        try (Recognizer recognizer = Recognizer.load(file)) {
            assertThat(((MarginSoftmax) recognizer.head()).subCenters()).isEqualTo(2);
            assertThat(recognizer.embeddingSize()).isEqualTo(32);
            assertThat(recognizer.crop()).isEqualTo(Crop.WHOLE);
            assertThat(recognizer.identities()).containsExactly("person0", "person1", "person2", "person3", "person4");
            assertThat(recognizer.origin().license()).isEqualTo("CC-BY-4.0");
            assertThat(recognizer.allThresholds()).isNotEmpty().allSatisfy(threshold -> {
                assertThat(threshold.evidence()).isEmpty();
                assertThat(threshold.falseAcceptRate()).isNotEqualTo(OptionalDouble.empty());
            });
            Path resaved = folder.resolve("resaved.model");
            recognizer.save(resaved);
            String args = metadata(resaved).get("args");
            assertThat(args).contains("\"subCenters\":2", "\"std\":").doesNotContain("subCentres", "deviation");
            try (Recognizer loaded = Recognizer.load(resaved)) {
                assertThat(loaded.fingerprint()).isEqualTo(recognizer.fingerprint());
                assertThat(loaded.allThresholds()).isEqualTo(recognizer.allThresholds());
            }
        }
    }

    /** The checkpoint describes its settings under their former names and in their former order. */
    @Test
    void resumesATrainingRunOfABuiltInModel() throws IOException {
        Path checkpoints = folder.resolve("args");
        fit(checkpoints, 2, false);
        Path last = checkpoints.resolve("last.ckpt");
        try (SafeTensors tensors = SafeTensors.open(last);
                PointerScope scope = new PointerScope()) {
            var all = new LinkedHashMap<String, Tensor>();
            tensors.names().forEach(name -> all.put(name, tensors.read(name)));
            SafeTensors.write(folder.resolve("former.ckpt"), all, former("checkpoint-metadata.json"));
        }
        Files.move(folder.resolve("former.ckpt"), last, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertThat(fit(checkpoints, 3, true).steps()).isEqualTo(3);
    }

    private History fit(Path checkpoints, int steps, boolean resume) {
        TrainerArgs training = TrainerArgs.builder()
                .batchSize(8)
                .maxSteps(steps)
                .headLrMultiplier(2)
                .device(ComputeDevice.CPU)
                .checkpoints(checkpoints)
                .resume(resume)
                .build();
        try (Recognizer recognizer = Recognizer.withLoss(LossName.SUBCENTER_ARCFACE, args())) {
            return new Trainer(training).fit(recognizer, TinyTraining.train(faces), TinyTraining.validation(faces));
        }
    }

    @Test
    void readsAPack() {
        FaceDataset pack = FaceDataset.packed(FORMER.resolve("faces.pack"), Split.TRAIN);
        assertThat(pack.identities()).containsExactly("person0", "person1");
        assertThat(pack.size()).isEqualTo(4);
        assertThat(pack.crop()).isEqualTo(Crop.WHOLE);
    }

    private static RecognizerArgs args() {
        return RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(32)
                .classes(5)
                .subCenters(2)
                .seed(7)
                .build();
    }

    private static Map<String, String> former(String name) throws IOException {
        return JSON.readValue(FORMER.resolve(name).toFile(), new TypeReference<Map<String, String>>() {});
    }

    private static void write(Recognizer recognizer, Path file, String metadata) throws IOException {
        try (PointerScope scope = new PointerScope()) {
            SafeTensors.write(file, ModelFiles.tensors(recognizer.net()), former(metadata));
        }
    }
}
