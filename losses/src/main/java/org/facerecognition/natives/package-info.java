/**
 * The lowest layer: native libraries, devices, precision, random numbers and lifetimes. Every package may use it; it
 * uses none.
 *
 * <p>{@link org.facerecognition.natives.Libtorch} and {@link org.facerecognition.natives.NativeLibraries} load the
 * native libraries or explain in one sentence why they cannot. {@link org.facerecognition.natives.ComputeDevice},
 * {@link org.facerecognition.natives.Precision} and {@link org.facerecognition.natives.Autocast} select where and how
 * tensors are computed. {@link org.facerecognition.natives.RandomStream} separates the random numbers of one training
 * from the rest of the process, and {@link org.facerecognition.natives.Initialization} skips the random initialization
 * of weights that a file is about to fill. {@link org.facerecognition.natives.Lifetime} lets many threads use an object
 * that one of them closes. {@link org.facerecognition.natives.NativeErrors} and {@link
 * org.facerecognition.natives.TensorRows} translate libtorch's errors and tensors to Java's.
 *
 * <p>Ownership of native memory (tensors, devices, modules, images) is described by three words:
 *
 * <ul>
 *   <li><b>owned</b>: the caller closes it;
 *   <li><b>scoped</b>: the innermost {@link org.bytedeco.javacpp.PointerScope} closes it;
 *   <li><b>borrowed</b>: another object owns it; do not close it.
 * </ul>
 */
@NullMarked
package org.facerecognition.natives;

import org.jspecify.annotations.NullMarked;
