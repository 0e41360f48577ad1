package org.facerecognition;

import java.util.OptionalDouble;

/**
 * Whether two faces are one person's.
 *
 * @param same whether they are taken to be
 * @param cosine of their embeddings, in [-1, 1]; not a probability
 * @param threshold from which on they are
 * @param falseAcceptRate of that threshold, on the faces that it was calibrated on; empty where nobody measured it
 */
public record VerificationResult(boolean same, double cosine, double threshold, OptionalDouble falseAcceptRate) {}
