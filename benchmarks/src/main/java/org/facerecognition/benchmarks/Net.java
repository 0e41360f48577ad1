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

/** A net of the inference benchmark: one recognizer, and the files that peers read. */
final class Net implements AutoCloseable {
    static final int SIZE_PX = 112;
    static final int EMBEDDING = 512;
    private static final int BATCHES_SEEN = 10;

    private final Encoder encoder;
    private final Recognizer recognizer;
    private final Path folder;

    Net(Encoder encoder, Path folder) {
        this.encoder = encoder;
        this.folder = folder;
        this.recognizer = make(encoder);
        recognizer.save(file("model"));
        recognizer.export(file("pt"), ExportFormat.TORCHSCRIPT, false);
        recognizer.export(file("onnx"), ExportFormat.ONNX, false);
    }

    /**
     * Untrained, its weights scaled so that activations stay in bounds: insightface's overflow before training. Its
     * normalizations have seen some batches: with the statistics they begin with, a deep net's values shrink to nothing.
     */
    private static Recognizer make(Encoder encoder) {
        Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(encoder)
                .embeddingSize(EMBEDDING)
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
            for (int i = 0; i < BATCHES_SEEN; i++) {
                recognizer.encoder().forward(torch.randn(4, 3, SIZE_PX, SIZE_PX));
            }
            recognizer.encoder().eval();
        }
        return recognizer;
    }

    String id() {
        return encoder.id();
    }

    Recognizer recognizer() {
        return recognizer;
    }

    Path file(String ending) {
        return folder.resolve(encoder.id() + "." + ending);
    }

    /** Multiplications of one image, in convolutions and linear layers. */
    long multiplications() {
        try (Graph graph = recognizer.encoder().graph()) {
            List<Node> nodes = graph.nodes();
            long[] sides = new long[nodes.size()];
            sides[0] = SIZE_PX;
            long all = 0;
            for (int i = 1; i < nodes.size(); i++) {
                Operation operation = nodes.get(i).operation();
                long side = sides[nodes.get(i).input().node()];
                if (operation instanceof Operation.Convolution c) {
                    side = (side + 2L * c.padding() - c.weight().size(2)) / c.stride() + 1;
                    all += c.weight().numel() * side * side;
                } else if (operation instanceof Operation.MaxPool p) {
                    side = (side + 2L * p.padding() - p.kernel()) / p.stride() + 1;
                } else if (operation instanceof Operation.GlobalAveragePool) {
                    side = 1;
                } else if (operation instanceof Operation.Linear l) {
                    all += l.weight().numel();
                }
                sides[i] = side;
            }
            return all;
        }
    }

    @Override
    public void close() {
        recognizer.close();
    }
}
