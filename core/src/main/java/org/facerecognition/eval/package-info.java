/**
 * How good a model is, in numbers one can trust: {@link org.facerecognition.eval.Verification} over embeddings, {@link
 * org.facerecognition.eval.Roc} over scores, {@link org.facerecognition.eval.HtmlReport} to look at. Takes arrays; knows no
 * trainer, backbone or loss.
 */
@NullMarked
package org.facerecognition.eval;

import org.jspecify.annotations.NullMarked;
