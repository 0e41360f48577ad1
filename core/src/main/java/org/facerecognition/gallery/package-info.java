/**
 * Who is this, or nobody: {@link org.facerecognition.gallery.Gallery} holds the embeddings of people by name, in memory
 * and in a file, and finds those nearest to a probe. Takes arrays and text; knows no model, image or setting.
 */
@NullMarked
package org.facerecognition.gallery;

import org.jspecify.annotations.NullMarked;
