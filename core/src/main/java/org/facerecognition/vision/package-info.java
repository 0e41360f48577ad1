/**
 * Where the face is in a picture and how it is brought into place: {@link org.facerecognition.vision.FaceAligner}.
 * OpenCV and plain numbers only.
 */
@NullMarked
package org.facerecognition.vision;

import org.jspecify.annotations.NullMarked;
