package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.weights.NamedTensors;
import org.facerecognition.weights.SafeTensors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands with weights of a MobileFaceNet as another program saves them: under a prefix, with a head beside them. */
class ForeignWeightsTest {
    private static final String LEFT_OVER = "not used, because not of the network: head.kernel";

    @TempDir
    private static Path root;

    private static Path weights;
    private static Path image;
    private static Path faces;

    @BeforeAll
    static void makeFiles() throws IOException {
        weights = root.resolve("lightning.safetensors");
        try (PointerScope scope = new PointerScope();
                Backbone encoder = Encoder.MOBILEFACENET.create("conv3", List.of(128))) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            NamedTensors.of(encoder).forEach((name, tensor) -> tensors.put("model._orig_mod." + name, tensor));
            tensors.put("head.kernel", torch.ones(2, 2));
            SafeTensors.write(weights, tensors, Map.of("format", "pt"));
        }
        faces = Cli.faces(root.resolve("faces"));
        image = new CliData(root).photograph("image.png", true, 112, 112);
    }

    @Test
    void embedsAndNamesWhatIsNotUsed() {
        Cli.Result result = Cli.run("embed", image, "--model", weights, "--encoder", "mobilefacenet");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).contains(weights + ": " + LEFT_OVER);
        assertThat(result.out()).contains("[");
    }

    @Test
    void trainsFromThemAndNamesWhatIsNotUsed() {
        Cli.Result result = Cli.train(
                faces,
                root.resolve("run"),
                "--encoder",
                "mobilefacenet",
                "--image-size",
                112,
                "--augmentations",
                "none",
                "--max-steps",
                1,
                "--init",
                weights);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).contains("started from " + weights).contains(LEFT_OVER);
    }

    @Test
    void namesTheEncoderThatWasForgotten() {
        Cli.Result result = Cli.run("embed", image, "--model", weights);
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err())
                .contains("has weights without a description of their network; name it with --encoder, here --encoder"
                        + " mobilefacenet");
    }

    @Test
    void namesTheEncoderThatTheWeightsBelongTo() {
        Cli.Result result = Cli.run("embed", image, "--model", weights, "--encoder", "iresnet18");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.err())
                .contains("does not have the weights of iresnet18, but those of mobilefacenet; give it with --encoder"
                        + " mobilefacenet");
    }
}
