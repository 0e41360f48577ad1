/**
 * Face recognition: train models, recognize people, deploy.
 *
 * <dl>
 *   <dt>Train
 *   <dd>{@link org.facerecognition.Recognizer} is a model, made by a recipe such as {@link
 *       org.facerecognition.Recognizer#arcFace arcFace} from {@link org.facerecognition.RecognizerArgs}; {@link
 *       org.facerecognition.Trainer} trains it on a {@link org.facerecognition.data.FaceDataset}, as {@link
 *       org.facerecognition.TrainerArgs} say.
 *   <dt>Recognize
 *   <dd>A {@link org.facerecognition.FaceEmbedder} turns images into embeddings, compares two faces ({@link
 *       org.facerecognition.VerificationResult}) and is calibrated for a false accept rate ({@link
 *       org.facerecognition.Threshold}). A {@link org.facerecognition.gallery.Gallery} finds out who is in an image.
 *   <dt>Deploy
 *   <dd>{@link org.facerecognition.PreparedRecognizer} embeds as fast as the machine can, for many threads; {@link
 *       org.facerecognition.FaceBatcher} batches their requests; {@link org.facerecognition.Recognizer#export} writes
 *       ONNX and TorchScript.
 * </dl>
 *
 * <p>Only this package reads the args records; the packages below take plain values and know nothing of it.
 *
 * <h2>Ownership of native memory</h2>
 *
 * Three words, <b>owned</b>, <b>scoped</b> and <b>borrowed</b>, say who frees a native object (a tensor, an image, a
 * device, a network); {@link org.facerecognition.natives} defines them. The everyday API takes paths, bytes and Java
 * images and returns float arrays and records, which need no closing.
 */
@NullMarked
package org.facerecognition;

import org.jspecify.annotations.NullMarked;
