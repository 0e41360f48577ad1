/**
 * Networks from images [B, 3, H, W] to embeddings [B, D], one architecture per file. Choose one by {@link
 * org.facerecognition.backbone.Encoder}, or extend {@link org.facerecognition.backbone.Backbone}. This package takes
 * plain numbers; it knows no settings records, files or losses.
 */
@NullMarked
package org.facerecognition.backbone;

import org.jspecify.annotations.NullMarked;
