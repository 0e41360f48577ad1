package org.facerecognition.backbone;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.facerecognition.natives.Libtorch;

/** The architectures that come with the library, by name. */
public enum Encoder {
    RESNET18("resnet18", "fc", ResNet::resnet18),
    RESNET34("resnet34", "fc", ResNet::resnet34),
    RESNET50("resnet50", "fc", ResNet::resnet50);

    /** torchvision builds its nets with ImageNet's 1,000 outputs and replaces the last layer afterwards. */
    private static final int IMAGENET_CLASSES = 1000;

    static {
        Libtorch.load();
    }

    private final String id;
    private final String lastLayerName;
    private final IntFunction<Backbone> maker;

    Encoder(String id, String lastLayerName, IntFunction<Backbone> maker) {
        this.id = id;
        this.lastLayerName = lastLayerName;
        this.maker = maker;
    }

    /** The name on the command line and in files: torchvision's, such as {@code resnet34}. */
    public String id() {
        return id;
    }

    /** Name of the layer that is replaced to set the embedding's length. */
    public String lastLayerName() {
        return lastLayerName;
    }

    /**
     * Builds the net, freshly initialised from torch's random generator, and replaces its last layer. The draws are
     * those of {@code net = torchvision.models.NAME(); net.fc = nn.Linear(..., embeddingSize)}.
     *
     * @param lastLayerName which layer to replace
     * @param embeddingSizes outputs of the linear layers put there, at least one; the last is the embedding's length
     * @throws IllegalArgumentException when the net has no such last layer, or a size is less than 1
     */
    public Backbone create(String lastLayerName, List<Integer> embeddingSizes) {
        Backbone backbone = maker.apply(IMAGENET_CLASSES);
        try {
            backbone.replaceLastLayer(
                    lastLayerName,
                    embeddingSizes.stream().mapToInt(Integer::intValue).toArray());
            return backbone;
        } catch (RuntimeException e) {
            backbone.close();
            throw e;
        }
    }

    /**
     * Finds an encoder by its {@link #id}.
     *
     * @throws IllegalArgumentException naming those there are, when there is none of that name
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
