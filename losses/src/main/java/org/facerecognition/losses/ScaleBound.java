package org.facerecognition.losses;

/**
 * The smallest scale with which a softmax over cosines can be learned.
 *
 * <p>Wang et al., "NormFace: L2 Hypersphere Embedding for Face Verification", arXiv 1704.06369, proposition 2; CosFace,
 * arXiv 1801.09414, equation 6. At best an embedding lies on its center, with cosine 1, and all C centers are as far
 * from each other as possible, with cosine -1 / (C - 1). The softmax then gives the right identity the probability 1 /
 * (1 + (C - 1) exp(-s C / (C - 1))), which no training can exceed.
 */
public final class ScaleBound {
    private ScaleBound() {}

    /**
     * Returns the smallest scale with which the right identity can reach a probability.
     *
     * @param classes C, at least 2
     * @param probability in (0, 1)
     * @throws IllegalArgumentException if an argument is out of range
     */
    public static double lowest(int classes, double probability) {
        if (classes < 2) {
            throw new IllegalArgumentException("classes must be at least 2, but was " + classes);
        }
        if (!(probability > 0 && probability < 1)) {
            throw new IllegalArgumentException("probability must be in (0, 1), but was " + probability);
        }
        double negatives = classes - 1.0;
        return negatives / classes * Math.log(negatives * probability / (1 - probability));
    }

    /**
     * Returns the highest probability that the right identity can reach with a scale; 1 for one class.
     *
     * @param classes C, at least 1
     * @param s the scale
     */
    public static double highestProbability(int classes, double s) {
        double negatives = classes - 1.0;
        return negatives == 0 ? 1 : 1 / (1 + negatives * Math.exp(-s * classes / negatives));
    }
}
