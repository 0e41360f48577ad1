package org.facerecognition.benchmarks;

import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;
import org.facerecognition.graph.Operation;
import org.facerecognition.weights.NamedTensors;

/** A network of the inference benchmarks: an owned recognizer, and the files from which peers load the same network. */
final class Net implements AutoCloseable {
    static final int SIZE_PX = 112;
    static final int EMBEDDING_SIZE = 512;
    private static final int WARM_UP_BATCHES = 10;

    private final Encoder encoder;
    private final Recognizer recognizer;
    private final Path folder;

    Net(Encoder encoder, Path folder) {
        this.encoder = encoder;
        this.folder = folder;
        this.recognizer = create(encoder);
        recognizer.save(file("model"));
        recognizer.export(file("pt"), ExportFormat.TORCHSCRIPT, false);
        recognizer.export(file("onnx"), ExportFormat.ONNX, false);
    }

    /**
     * Returns an untrained recognizer whose weights are scaled so that activations stay within bounds; those of
     * insightface's networks overflow before training. A few batches update the statistics of batch normalization: with
     * the initial ones, the activations of a deep network shrink to zero.
     */
    private static Recognizer create(Encoder encoder) {
        Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(encoder)
                .embeddingSize(EMBEDDING_SIZE)
                .classes(2)
                .build());
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            for (Tensor weight : NamedTensors.parameters(recognizer.encoder()).values()) {
                if (weight.dim() == 4) {
                    double inputs = (double) weight.numel() / weight.size(0);
                    weight.div_(weight.std()).mul_(new Scalar(Math.sqrt(1.5 / inputs)));
                }
            }
            recognizer.encoder().train(true);
            for (int i = 0; i < WARM_UP_BATCHES; i++) {
                recognizer.encoder().forward(torch.randn(4, 3, SIZE_PX, SIZE_PX));
            }
            recognizer.encoder().eval();
        }
        return recognizer;
    }

    String id() {
        return encoder.id();
    }

    /** Returns the recognizer, borrowed. */
    Recognizer recognizer() {
        return recognizer;
    }

    /** Returns the network's file with an extension: model, pt (TorchScript) or onnx. */
    Path file(String extension) {
        return folder.resolve(encoder.id() + "." + extension);
    }

    /** Returns the number of multiplications per image in convolutions and linear layers. */
    long multiplications() {
        try (Graph graph = recognizer.encoder().graph()) {
            List<Node> nodes = graph.nodes();
            long[] sides = new long[nodes.size()];
            sides[0] = SIZE_PX;
            long total = 0;
            for (int i = 1; i < nodes.size(); i++) {
                Operation operation = nodes.get(i).operation();
                long side = sides[nodes.get(i).input().node()];
                if (operation instanceof Operation.Convolution c) {
                    side = c.window().positionsY(side, c.weight().size(2));
                    total += c.weight().count() * side * side;
                } else if (operation instanceof Operation.MaxPool p) {
                    side = p.window().positionsY(side, p.height());
                } else if (operation instanceof Operation.GlobalAveragePool) {
                    side = 1;
                } else if (operation instanceof Operation.Linear l) {
                    total += l.weight().count();
                }
                sides[i] = side;
            }
            return total;
        }
    }

    @Override
    public void close() {
        recognizer.close();
    }
}
