package org.facerecognition.weights;

import java.net.URI;
import java.util.EnumMap;
import java.util.Map;
import org.facerecognition.backbone.Encoder;

/**
 * Where torchvision keeps the weights it trained on ImageNet, the {@code DEFAULT} of each architecture in torchvision
 * 0.15 and later. The digits in a name are the first of its bytes' sha256.
 */
final class ImageNetWeights {
    private static final String FOLDER = "https://download.pytorch.org/models/";
    private static final String LICENCE = "torchvision's weights, BSD-3-Clause"
            + " (https://github.com/pytorch/vision/blob/main/LICENSE); trained on ImageNet-1k, whose own terms"
            + " (https://image-net.org/download) are for research: ask your lawyer before you sell what you make of them";

    private static final Map<Encoder, String> NAMES = new EnumMap<>(Map.of(
            Encoder.RESNET18, "resnet18-f37072fd",
            Encoder.RESNET34, "resnet34-b627a593",
            Encoder.RESNET50, "resnet50-11ad3fa6",
            Encoder.RESNET101, "resnet101-cd907fc2",
            Encoder.RESNET152, "resnet152-f82ba261",
            Encoder.EFFICIENTNET_B0, "efficientnet_b0_rwightman-7f5810bc",
            Encoder.EFFICIENTNET_V2_M, "efficientnet_v2_m-dc08266a"));

    private ImageNetWeights() {}

    /** @throws IllegalArgumentException when torchvision has none for this encoder */
    static RemoteFile of(Encoder encoder) {
        String name = NAMES.get(encoder);
        if (name == null) {
            throw new IllegalArgumentException("encoder must be one of " + NAMES.keySet()
                    + " to start from ImageNet, but was " + encoder + "; bring weights for it in a file");
        }
        return new RemoteFile(URI.create(FOLDER + name + ".pth"), name.substring(name.lastIndexOf('-') + 1), LICENCE);
    }
}
