package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import java.util.Map;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Autocast;
import org.facerecognition.natives.Initialization;

/**
 * Center loss: cross-entropy over a linear layer, plus a term that pulls embeddings toward the mean of their identity.
 *
 * <p>Wen et al., "A Discriminative Feature Learning Approach for Deep Face Recognition", ECCV 2016, equations 2 to 5.
 * The term is lambda / 2 times the squared distance between an embedding and the center of its identity. Centers are
 * not parameters: by equation 4 each training batch moves a center by alpha times the sum of the differences of its
 * embeddings to it, divided by one plus their number. They start at 0, in the buffer {@code centres} [C, D] (the
 * spelling of existing files). Embeddings are not normalized. What differs: the term is the mean over the batch, while
 * the paper sums.
 */
public final class CenterLoss extends Head {
    private static final double ALPHA = 0.5; // the paper's

    private final LinearImpl classifier;
    private final Tensor centers; // [C, D]
    private final double lambda;
    private final CrossEntropy crossEntropy;

    /**
     * Creates a head.
     *
     * @param classes the number of identities, at least 1
     * @param embeddingSize the number of values in an embedding, at least 1
     * @param lambda the weight of the term relative to the cross-entropy, at least 0; 0.003 in the paper
     * @param crossEntropy with or without label smoothing and focal weighting
     * @throws IllegalArgumentException if a size is less than 1 or lambda is negative
     */
    public CenterLoss(int classes, int embeddingSize, double lambda, CrossEntropy crossEntropy) {
        super(checked("CenterLoss", lambda), classes, embeddingSize);
        this.lambda = lambda;
        this.crossEntropy = crossEntropy;
        this.classifier = register_module("classifier", Initialization.linear(embeddingSize, classes));
        this.centers = register_buffer("centres", torch.zeros(classes, embeddingSize));
    }

    /** Checks the setting before a libtorch module is allocated; returns the name. */
    private static String checked(String name, double lambda) {
        Checks.atLeast("lambda", lambda, 0);
        return name;
    }

    @Override
    public Map<String, String> settings() {
        return settings("lambda", lambda, "softmax", crossEntropy);
    }

    @Override
    public Output forward(Tensor embeddings, Tensor labels) {
        checkBatch(embeddings, labels, centers);
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            Tensor x = embeddings.to(centers.scalar_type()); // [B, D]
            Tensor scores = classifier.forward(x); // [B, C]
            Tensor differences = x.sub(centers.index_select(0, labels)); // [B, D]
            Tensor squares = differences.mul(differences).sum(1).mean();
            if (is_training()) {
                updateCenters(differences.detach(), labels);
            }
            Tensor loss = crossEntropy.of(scores, labels).add(times(squares, lambda / 2));
            return new Output(loss, scores.detach());
        }
    }

    /** All samples of one identity compute its new center, as in {@link MetricHead}, which says why. */
    private void updateCenters(Tensor differences, Tensor labels) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor equal = labels.unsqueeze(1).eq(labels.unsqueeze(0)).to(differences.scalar_type()); // [B, B]
            Tensor step = torch.mm(equal, differences).div(plus(equal.sum(1), 1).unsqueeze(1)); // [B, D]
            Tensor former = centers.index_select(0, labels); // [B, D]
            update(former, former.add(times(step, ALPHA)));
            centers.index_copy_(0, labels, former);
        }
    }

    @Override
    public Tensor scores(Tensor embeddings) {
        checkEmbeddings(embeddings, centers);
        try (Autocast off = Autocast.off(embeddings.device().type())) {
            return classifier.forward(embeddings.to(centers.scalar_type()));
        }
    }

    @Override
    public void close() {
        classifier.close();
        centers.close();
        super.close();
    }
}
