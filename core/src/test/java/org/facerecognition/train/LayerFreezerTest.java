package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.SharedModuleVector;
import org.bytedeco.pytorch.StringSharedModuleDict;
import org.bytedeco.pytorch.StringTensorDict;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.BackboneOptions;
import org.facerecognition.backbone.Encoder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tests freezers on a ResNet-18, whose children are conv1, bn1, relu, maxpool, layer1 to layer4, avgpool, fc. */
class LayerFreezerTest {
    private static Module net;
    private static Backbone resnet; // the net's own handle does not keep it from being collected

    @BeforeAll
    static void build() {
        net = new Module("net");
        resnet = Encoder.RESNET18.create("fc", List.of(8));
        net.register_module("encoder", resnet);
    }

    @BeforeEach
    void unfreezeAll() {
        try (PointerScope scope = new PointerScope()) {
            Freezer.setFrozen(net, false);
        }
    }

    @AfterAll
    static void close() {
        net.close();
        resnet.close();
    }

    @Test
    void byEpochFreezesUpToLayer3ThenLayer2ThenLayer1ThenBn1ThenNothing() {
        LayerFreezer freezer = LayerFreezer.byEpoch("encoder", List.of(7, 7, 7, 6, 6, 6, 5, 5, 5, 2, 2, 2));

        assertThat(frozen(freezer, 0)).containsExactly("conv1", "bn1", "layer1", "layer2", "layer3");
        assertThat(frozen(freezer, 5)).containsExactly("conv1", "bn1", "layer1", "layer2");
        assertThat(frozen(freezer, 8)).containsExactly("conv1", "bn1", "layer1");
        assertThat(frozen(freezer, 11)).containsExactly("conv1", "bn1");
        assertThat(frozen(freezer, 12)).isEmpty();
        assertThat(frozen(freezer, 999)).isEmpty();
    }

    @Test
    void firstFreezesTheFirstLayersInEveryEpoch() {
        assertThat(frozen(LayerFreezer.first("encoder", 1), 0)).containsExactly("conv1");
        assertThat(frozen(LayerFreezer.first("encoder", 1), 500)).containsExactly("conv1");
        assertThat(frozen(LayerFreezer.first("encoder", 0), 0)).isEmpty();
    }

    @Test
    void allForFreezesTheWholeEncoderAtFirst() {
        assertThat(apply(LayerFreezer.allFor("encoder", 2), 1)).isEqualTo(10);
        assertThat(frozen(LayerFreezer.allFor("encoder", 2), 1)).contains("conv1", "fc");
        assertThat(frozen(LayerFreezer.allFor("encoder", 2), 2)).isEmpty();
    }

    @Test
    void gradualThawsOneLayerAfterAnother() {
        LayerFreezer freezer = LayerFreezer.gradual("encoder", 2);
        int[] counts = IntStream.of(0, 1, 2, 3, 4, 17, 18, 100)
                .map(epoch -> apply(freezer, epoch))
                .toArray();
        assertThat(counts).containsExactly(9, 9, 8, 8, 7, 1, 0, 0);
        assertThat(frozen(freezer, 0)).doesNotContain("fc").contains("layer4");
    }

    @Test
    void frozenLayersAreInEvaluationModeAndOthersInTrainingMode() {
        frozen(LayerFreezer.first("encoder", 5), 0);
        try (PointerScope scope = new PointerScope()) {
            assertThat(net.named_modules("", false).get("encoder.layer1.0.bn1").is_training())
                    .isFalse();
            assertThat(net.named_modules("", false).get("encoder.layer2.0.bn1").is_training())
                    .isTrue();
        }
        frozen(LayerFreezer.first("encoder", 0), 0);
        try (PointerScope scope = new PointerScope()) {
            assertThat(net.named_modules("", false).get("encoder.layer1.0.bn1").is_training())
                    .isTrue();
        }
    }

    /** The network itself is in training mode while all of its layers are frozen. */
    @ParameterizedTest
    @EnumSource(names = {"RESNET18", "IRESNET18", "MOBILEFACENET", "EFFICIENTNET_B0"})
    void aFrozenEncoderDropsNothingOut(Encoder encoder) {
        try (PointerScope scope = new PointerScope();
                Backbone frozen =
                        encoder.create(encoder.lastLayerName(), List.of(8), new BackboneOptions(32, false, 0.5))) {
            Tensor images = torch.randn(2, 3, 32, 32);
            freezeFirst(frozen, (int) frozen.children().size());
            assertThat(frozen.is_training()).isTrue();
            assertThat(frozen.forward(images).equal(frozen.forward(images))).isTrue();

            freezeFirst(frozen, 0);
            assertThat(frozen.forward(images).equal(frozen.forward(images)))
                    .as("where the last layer trains")
                    .isFalse();
        }
    }

    private static void freezeFirst(Module parent, int count) {
        SharedModuleVector children = parent.children();
        for (int i = 0; i < children.size(); i++) {
            Freezer.setFrozen(children.get(i), i < count);
        }
    }

    /** Stochastic depth skips a block for random images of a training step. */
    @Test
    void frozenBlocksAreNotSkipped() {
        try (PointerScope scope = new PointerScope();
                Backbone encoder = Encoder.EFFICIENTNET_B0.create("classifier.1", List.of(8))) {
            StringSharedModuleDict modules = encoder.named_modules("", false);
            Tensor images = torch.randn(2, 3, 32, 32);
            modules.get("classifier").eval();
            assertThat(encoder.forward(images).equal(encoder.forward(images))).isFalse();
            for (long i = 0; i < modules.size(); i++) {
                if (modules.keys().get(i).getString().endsWith(".block")) {
                    Freezer.setFrozen(modules.get(modules.keys().get(i)), true);
                }
            }
            assertThat(encoder.forward(images).equal(encoder.forward(images))).isTrue();
        }
    }

    @Test
    void acceptsANestedParent() {
        assertThat(frozen(LayerFreezer.first("encoder.layer4", 1), 0)).containsExactly("layer4");
        assertThat(apply(LayerFreezer.first("encoder.layer4", 2), 0)).isEqualTo(2);
    }

    @Test
    void freezeBeforeAcceptsNestedLayers() {
        assertThat(frozen(new FreezeBefore("encoder.layer2"), 7)).containsExactly("conv1", "bn1", "layer1");
        assertThat(apply(new FreezeBefore("encoder.layer2"), 7)).isEqualTo(5); // includes relu and maxpool
        apply(new FreezeBefore("encoder.layer2.1.conv2"), 0);
        try (PointerScope scope = new PointerScope()) {
            StringTensorDict parameters = net.named_parameters();
            List<String> trainable = new ArrayList<>();
            for (long i = 0; i < parameters.size(); i++) {
                if (parameters.get(i).value().requires_grad()) {
                    trainable.add(parameters.get(i).key().getString());
                }
            }
            assertThat(trainable.subList(0, 4))
                    .containsExactly(
                            "encoder.layer2.1.conv2.weight",
                            "encoder.layer2.1.bn2.weight",
                            "encoder.layer2.1.bn2.bias",
                            "encoder.layer3.0.conv1.weight");
            var modules = net.named_modules("", false);
            assertThat(modules.get("encoder.layer2.1.bn1").is_training()).isFalse();
            assertThat(modules.get("encoder.layer2.1.bn2").is_training()).isTrue();
            assertThat(modules.get("encoder.layer2.0.bn1").is_training()).isFalse();
        }
        assertThat(frozen(new FreezeBefore("encoder"), 0)).isEmpty();
    }

    @Test
    void rejectsInvalidArguments() {
        assertThatThrownBy(() -> apply(new FreezeBefore("encoder.layer5"), 1))
                .hasMessage(
                        "freezer's layer must be a module of the network, but was \"encoder.layer5\"; in the network there are"
                                + " [encoder, encoder.conv1, encoder.bn1, encoder.relu, encoder.maxpool, encoder.layer1,"
                                + " encoder.layer2, encoder.layer3, encoder.layer4, encoder.avgpool, encoder.fc]");
        assertThatThrownBy(() -> apply(LayerFreezer.first("backbone", 1), 0))
                .hasMessage(
                        "freezer's parent must be a module of the network, but was \"backbone\"; at the top there are"
                                + " [encoder]");
        assertThatThrownBy(() -> apply(LayerFreezer.allFor("encoder.fc", 2), 0)) // used to freeze nothing
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("freezer's parent must have layers to count, but \"encoder.fc\" is a single layer; give the"
                        + " module that holds it");
        assertThatThrownBy(() -> apply(LayerFreezer.first("encoder", 11), 0))
                .hasMessage("freezer must freeze between 0 and 10 children of \"encoder\" [conv1, bn1, relu, maxpool,"
                        + " layer1, layer2, layer3, layer4, avgpool, fc], but was to freeze 11");
        assertThatThrownBy(() -> LayerFreezer.byEpoch("encoder", List.of(1, -1)))
                .hasMessage("strategy must hold numbers of at least 0, but had -1");
        assertThatThrownBy(() -> LayerFreezer.gradual("encoder", 0))
                .hasMessage("epochsPerLayer must be at least 1, but was 0");
    }

    private static int apply(Freezer freezer, int epoch) {
        net.train(true);
        return freezer.apply(net, epoch);
    }

    /** Applies a freezer and returns the encoder's children that have a parameter without gradients. */
    private static List<String> frozen(Freezer freezer, int epoch) {
        apply(freezer, epoch);
        List<String> names = new ArrayList<>();
        try (PointerScope scope = new PointerScope()) {
            StringTensorDict parameters = net.named_parameters();
            for (long i = 0; i < parameters.size(); i++) {
                String child = parameters.get(i).key().getString().split("\\.")[1];
                if (!parameters.get(i).value().requires_grad() && !names.contains(child)) {
                    names.add(child);
                }
            }
        }
        return names;
    }
}
