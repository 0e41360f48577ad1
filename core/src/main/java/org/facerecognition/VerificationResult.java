package org.facerecognition;

import java.util.OptionalDouble;

/**
 * The result of comparing two faces.
 *
 * @param same whether they are taken to be of the same person
 * @param cosine of the angle between their embeddings, in [-1, 1]; not a probability
 * @param threshold at or above which they are
 * @param falseAcceptRate of that threshold, on the faces it was calibrated on; empty where it was not measured
 */
public record VerificationResult(boolean same, double cosine, double threshold, OptionalDouble falseAcceptRate) {}
