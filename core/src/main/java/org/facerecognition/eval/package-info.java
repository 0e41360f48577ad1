/**
 * How good a model is, in numbers one can trust: {@link org.facerecognition.eval.Verification} (same person or not), {@link
 * org.facerecognition.eval.Identification} (who, or nobody), {@link org.facerecognition.eval.EvaluationReport} to look at. Takes
 * arrays, or a function from data sets to embeddings; knows no trainer, backbone or loss.
 */
@NullMarked
package org.facerecognition.eval;

import org.jspecify.annotations.NullMarked;
