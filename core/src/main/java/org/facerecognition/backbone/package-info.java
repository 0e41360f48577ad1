/**
 * Networks from images [B, 3, H, W] to embeddings [B, D], one architecture per file: pick one by {@link
 * org.facerecognition.backbone.Encoder}, or extend {@link org.facerecognition.backbone.Backbone}. Takes numbers, knows
 * no settings, files or losses.
 */
@NullMarked
package org.facerecognition.backbone;

import org.jspecify.annotations.NullMarked;
