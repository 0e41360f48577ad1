/**
 * Evaluation of face embeddings: {@link org.facerecognition.eval.Verification} (are two faces of the same person?),
 * {@link org.facerecognition.eval.Identification} (which enrolled person is it, if any?), {@link
 * org.facerecognition.eval.Calibration} (thresholds with confidence bounds) and {@link
 * org.facerecognition.eval.EvaluationReport} (figures and charts in HTML and JSON).
 *
 * <p>The package works on arrays of embeddings, or on a function from data sets to embeddings. It may use the data
 * package, and knows no trainer, backbone or loss.
 */
@NullMarked
package org.facerecognition.eval;

import org.jspecify.annotations.NullMarked;
