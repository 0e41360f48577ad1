package org.facerecognition.backbone;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.facerecognition.natives.Libtorch;

/** The architectures of the library. Listing them loads no native library. */
public enum Encoder {
    RESNET18("resnet18", Origin.TORCHVISION, "fc", 1000, ResNet::resnet18),
    RESNET34("resnet34", Origin.TORCHVISION, "fc", 1000, ResNet::resnet34),
    RESNET50("resnet50", Origin.TORCHVISION, "fc", 1000, ResNet::resnet50),
    RESNET101("resnet101", Origin.TORCHVISION, "fc", 1000, ResNet::resnet101),
    RESNET152("resnet152", Origin.TORCHVISION, "fc", 1000, ResNet::resnet152),
    EFFICIENTNET_B0("efficientnet_b0", Origin.TORCHVISION, "classifier.1", 1000, EfficientNet::b0),
    EFFICIENTNET_V2_M("efficientnet_v2_m", Origin.TORCHVISION, "classifier.1", 1000, EfficientNet::v2m),
    IRESNET18("iresnet18", Origin.INSIGHTFACE, "fc", 512, IResNet::iresnet18),
    IRESNET34("iresnet34", Origin.INSIGHTFACE, "fc", 512, IResNet::iresnet34),
    IRESNET50("iresnet50", Origin.INSIGHTFACE, "fc", 512, IResNet::iresnet50),
    IRESNET100("iresnet100", Origin.INSIGHTFACE, "fc", 512, IResNet::iresnet100),
    MOBILEFACENET("mobilefacenet", Origin.MOBILEFACENET, "conv3", 128, MobileFaceNet::new);

    /** The project whose names, initialization and weights an architecture follows. */
    public enum Origin {
        TORCHVISION,
        INSIGHTFACE,
        MOBILEFACENET
    }

    private interface Maker {
        Backbone make(int outputs, BackboneOptions options);
    }

    private final String id;
    private final Origin origin;
    private final String lastLayerName;
    private final int outputs;
    private final Maker maker;

    Encoder(String id, Origin origin, String lastLayerName, int outputs, Maker maker) {
        this.id = id;
        this.origin = origin;
        this.lastLayerName = lastLayerName;
        this.outputs = outputs;
        this.maker = maker;
    }

    /** Returns the name on the command line and in files, in torchvision's style: {@code resnet34}. */
    public String id() {
        return id;
    }

    /** Returns the project whose names, initialization and weights this architecture follows. */
    public Origin origin() {
        return origin;
    }

    /** Returns the number of outputs at its origin: ImageNet's 1,000 classes, or the length of a face embedding. */
    public int originalOutputs() {
        return outputs;
    }

    /** Returns the name of the layer that is replaced to set the length of embeddings. */
    public String lastLayerName() {
        return lastLayerName;
    }

    /** Calls {@link #create(String, List, BackboneOptions)} with {@link BackboneOptions#DEFAULT}. */
    public Backbone create(String lastLayerName, List<Integer> embeddingSizes) {
        return create(lastLayerName, embeddingSizes, BackboneOptions.DEFAULT);
    }

    /**
     * Creates the network, randomly initialized from torch's generator, and replaces its last layer. It draws the same
     * numbers as {@code net = torchvision.models.NAME(); net.fc = nn.Linear(..., embeddingSize)}.
     *
     * @param lastLayerName name of the layer to replace; must be {@link #lastLayerName()}
     * @param embeddingSizes outputs of the linear layers that replace it, at least one; the last one is the length of
     *     embeddings
     * @param options options of the architecture
     * @return owned
     * @throws IllegalArgumentException if the network has no such last layer, or a size is less than 1
     */
    public Backbone create(String lastLayerName, List<Integer> embeddingSizes, BackboneOptions options) {
        Libtorch.load(); // only here, so that names and settings can be listed where no native library can be loaded
        return Backbone.built(() -> {
            Backbone backbone = maker.make(outputs, options);
            backbone.replaceLastLayer(
                    lastLayerName,
                    embeddingSizes.stream().mapToInt(Integer::intValue).toArray());
            return backbone;
        });
    }

    /**
     * Returns the encoder with this {@link #id}, in upper or lower case.
     *
     * @throws IllegalArgumentException if there is none; the message lists the ids
     */
    public static Encoder of(String id) {
        return Arrays.stream(values())
                .filter(e -> e.id.equals(id.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("encoder must be one of "
                        + Arrays.stream(values()).map(Encoder::id).collect(Collectors.joining(", "))
                        + ", but was \"" + id + "\""));
    }

    @Override
    public String toString() {
        return id;
    }
}
