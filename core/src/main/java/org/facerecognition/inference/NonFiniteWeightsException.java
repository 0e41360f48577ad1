package org.facerecognition.inference;

import java.util.Arrays;

/**
 * Thrown when a network cannot be prepared because values in it, or what it makes of them, are not finite. An
 * activation may turn NaN into zero, so that embeddings would be finite and wrong.
 */
final class NonFiniteWeightsException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private NonFiniteWeightsException(String what) {
        super(what + "; its training has diverged, so use an earlier file");
    }

    static NonFiniteWeightsException ofWeight(long... shape) {
        return new NonFiniteWeightsException(
                "a weight of the shape " + Arrays.toString(shape) + " contains NaN or infinity");
    }

    static NonFiniteWeightsException ofVariance(double sum) {
        return new NonFiniteWeightsException(
                "a variance and the epsilon of a batch normalization must have a positive sum, but had " + sum);
    }

    static NonFiniteWeightsException ofEmbeddings() {
        return new NonFiniteWeightsException("the network's embeddings of faces contain NaN or infinity");
    }
}
