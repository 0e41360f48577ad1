/**
 * Export of trained networks to other runtimes. {@link org.facerecognition.export.ModelExport} is the entry; {@link
 * org.facerecognition.export.OnnxFile} and {@link org.facerecognition.export.TorchScriptFile} write a graph with its
 * weights and a description of its input. The package depends on backbones, graphs,
 * weights and files.
 */
@NullMarked
package org.facerecognition.export;

import org.jspecify.annotations.NullMarked;
