package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.cross_entropy;

import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Tensor;

/**
 * A plain classification layer with cross-entropy: one linear layer from embedding to identity, torch's {@code
 * nn.Linear} with its initialisation. Computes in the type of its
 * weights, float32 unless converted, also inside autocast.
 */
public final class LinearSoftmax extends Head {
    private final LinearImpl classifier;

    /**
     * @param classes number of identities, at least 1
     * @param embeddingSize length of an embedding, at least 1
     * @throws IllegalArgumentException when a size is less than 1
     */
    public LinearSoftmax(int classes, int embeddingSize) {
        super("LinearSoftmax", classes, embeddingSize);
        this.classifier = register_module("classifier", new LinearImpl(embeddingSize, classes));
    }

    @Override
    public Output forward(Tensor embeddings, Tensor labels) {
        checkBatch(embeddings, labels);
        Tensor scores = scores(embeddings); // [B, C]
        return new Output(cross_entropy(scores, labels), scores.detach());
    }

    @Override
    public Tensor scores(Tensor embeddings) {
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            return classifier.forward(embeddings.to(classifier.weight().scalar_type()));
        }
    }

    @Override
    public void close() {
        classifier.close();
        super.close();
    }
}
