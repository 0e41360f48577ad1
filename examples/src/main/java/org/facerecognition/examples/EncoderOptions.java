package org.facerecognition.examples;

import java.util.List;
import java.util.stream.Collectors;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.examples.HelpSection.Heading;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

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
            converter = SizeConverter.class,
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

    /** Reads a size; rejects the second part of 1,024, which is meant to be one. */
    private static final class SizeConverter implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String size) {
            if (size.matches("0\\d+")) {
                throw new TypeConversionException("a size must not begin with 0, but one was " + size
                        + "; write 1024, not 1,024, for one layer of that size");
            }
            try {
                return Integer.valueOf(size);
            } catch (NumberFormatException e) {
                throw new TypeConversionException("'" + size + "' is not an int");
            }
        }
    }

    RecognizerArgs.Builder apply(RecognizerArgs.Builder args) {
        if (lastLayer != null) {
            args.encoderLastLayerName(lastLayer);
        }
        if (embeddingSizes.subList(0, embeddingSizes.size() - 1).contains(1)) {
            throw new IllegalArgumentException(
                    "--embedding-size must be more than 1 for a layer before another, but was "
                            + embeddingSizes.stream().map(String::valueOf).collect(Collectors.joining(",")));
        }
        return args.encoder(encoder())
                .embeddingSizes(embeddingSizes)
                .imageSizePx(imageSizePx)
                .smallFaces(smallFaces)
                .dropout(dropout);
    }
}
