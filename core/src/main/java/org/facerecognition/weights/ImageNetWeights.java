package org.facerecognition.weights;

import java.net.URI;
import java.util.List;

/**
 * The addresses of torchvision's weights trained on ImageNet: the {@code DEFAULT} weights of each architecture in
 * torchvision 0.15 and later. The digits at the end of a file name are the first digits of its SHA-256 checksum.
 */
final class ImageNetWeights {
    private static final String FOLDER = "https://download.pytorch.org/models/";
    private static final String LICENSE = "torchvision's weights, BSD-3-Clause"
            + " (https://github.com/pytorch/vision/blob/main/LICENSE); trained on ImageNet-1k, whose own terms"
            + " (https://image-net.org/download) are for research: seek legal advice before commercial use";

    private static final List<Entry> ENTRIES = List.of(
            new Entry("resnet18", "resnet18-f37072fd"),
            new Entry("resnet34", "resnet34-b627a593"),
            new Entry("resnet50", "resnet50-11ad3fa6"),
            new Entry("resnet101", "resnet101-cd907fc2"),
            new Entry("resnet152", "resnet152-f82ba261"),
            new Entry("efficientnet_b0", "efficientnet_b0_rwightman-7f5810bc"),
            new Entry("efficientnet_v2_m", "efficientnet_v2_m-dc08266a"));

    private record Entry(String architecture, String name) {
        RemoteFile remote() {
            String checksum = name.substring(name.lastIndexOf('-') + 1);
            return new RemoteFile(URI.create(FOLDER + name + ".pth"), checksum, LICENSE);
        }
    }

    private ImageNetWeights() {}

    /**
     * Returns the weights of an architecture.
     *
     * @param architecture torchvision's name for it, such as {@code resnet34}
     * @throws IllegalArgumentException when torchvision has no weights for it
     */
    static RemoteFile of(String architecture) {
        return ENTRIES.stream()
                .filter(entry -> entry.architecture().equals(architecture))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("encoder must be one of "
                        + ENTRIES.stream().map(Entry::architecture).toList()
                        + " to start from ImageNet, but was " + architecture + "; use weights from a file instead"))
                .remote();
    }
}
