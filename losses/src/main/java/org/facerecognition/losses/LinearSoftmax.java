package org.facerecognition.losses;

import java.util.Map;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.natives.Autocast;
import org.facerecognition.natives.Initialization;

/**
 * A plain classification layer with cross-entropy: one linear layer from embedding to identity, torch's {@code
 * nn.Linear} with its initialization. It always computes in the type of its weights, float32 unless converted, even
 * inside autocast.
 */
public final class LinearSoftmax extends Head {
    private final LinearImpl classifier;
    private final CrossEntropy crossEntropy;

    /**
     * Creates a head with plain cross-entropy.
     *
     * @param classes the number of identities, at least 1
     * @param embeddingSize the number of values in an embedding, at least 1
     * @throws IllegalArgumentException if a size is less than 1
     */
    public LinearSoftmax(int classes, int embeddingSize) {
        this(classes, embeddingSize, CrossEntropy.PLAIN);
    }

    /**
     * Creates a head.
     *
     * @param classes the number of identities, at least 1
     * @param embeddingSize the number of values in an embedding, at least 1
     * @param crossEntropy with or without label smoothing and focal weighting
     * @throws IllegalArgumentException if a size is less than 1
     */
    public LinearSoftmax(int classes, int embeddingSize, CrossEntropy crossEntropy) {
        super("LinearSoftmax", classes, embeddingSize);
        this.crossEntropy = crossEntropy;
        this.classifier = register_module("classifier", Initialization.linear(embeddingSize, classes));
    }

    @Override
    public Map<String, String> settings() {
        return settings("softmax", crossEntropy);
    }

    @Override
    public Output forward(Tensor embeddings, Tensor labels) {
        checkBatch(embeddings, labels, classifier.weight());
        Tensor scores = scores(embeddings); // [B, C]
        return new Output(crossEntropy.of(scores, labels), scores.detach());
    }

    @Override
    public Tensor scores(Tensor embeddings) {
        Tensor weight = classifier.weight();
        checkEmbeddings(embeddings, weight);
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            return classifier.forward(embeddings.to(weight.scalar_type()));
        }
    }

    @Override
    public void close() {
        classifier.close();
        super.close();
    }
}
