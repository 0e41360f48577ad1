/**
 * Face models from elsewhere, as ONNX files: {@link org.facerecognition.onnx.OnnxModel} is the entry. A file is read
 * field by field into {@link org.facerecognition.onnx.ModelProto} without its weights, which stay in the file until
 * they are needed, and converted into a {@link org.facerecognition.graph.Graph}. {@link
 * org.facerecognition.onnx.InputContract} says what pixels a model takes. The package depends on graphs,
 * inference, images, backbones, weights and files; reading a file needs no native library.
 */
@NullMarked
package org.facerecognition.onnx;

import org.jspecify.annotations.NullMarked;
