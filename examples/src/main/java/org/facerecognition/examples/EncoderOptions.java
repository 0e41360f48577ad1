package org.facerecognition.examples;

import java.util.List;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.examples.HelpSection.Heading;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the network that {@code train} creates, up to the embedding. */
@HelpSection(Heading.MODEL)
final class EncoderOptions {
    @Option(
            names = "--encoder",
            paramLabel = "NAME",
            defaultValue = "resnet34",
            description = "One of ${COMPLETION-CANDIDATES}.",
            completionCandidates = EncoderNames.class)
    private String encoder;

    @Option(
            names = "--encoder-last-layer",
            paramLabel = "NAME",
            description = "The layer that the embedding layer replaces. Default: the encoder's own last layer.")
    private @Nullable String lastLayer;

    @Option(
            names = "--embedding-size",
            paramLabel = "N",
            defaultValue = "512",
            split = ",",
            description = "Size of the linear layer that replaces the encoder's last one; several sizes, such as"
                    + " 1024,512, for several layers in sequence.")
    private List<Integer> embeddingSizes;

    @Option(
            names = "--image-size",
            paramLabel = "PX",
            defaultValue = "112",
            description = "Side of the network's input in pixels.")
    private int imageSizePx;

    @Option(
            names = "--small-faces",
            description = "Leave out the first stride and the pooling of torchvision's networks.")
    private boolean smallFaces;

    @Option(
            names = "--dropout",
            paramLabel = "P",
            defaultValue = "0",
            description = "Dropout probability of the features before the embedding.")
    private double dropout;

    Encoder encoder() {
        return Encoder.of(encoder);
    }

    RecognizerArgs.Builder apply(RecognizerArgs.Builder args) {
        if (lastLayer != null) {
            args.encoderLastLayerName(lastLayer);
        }
        return args.encoder(encoder())
                .embeddingSizes(embeddingSizes)
                .imageSizePx(imageSizePx)
                .smallFaces(smallFaces)
                .dropout(dropout);
    }
}
