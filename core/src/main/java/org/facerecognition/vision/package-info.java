/**
 * Where the faces are in an image, and how one is brought into place: {@link org.facerecognition.vision.FaceDetector},
 * then {@link org.facerecognition.vision.FaceAligner}. OpenCV, the life
 * cycle of {@code natives}, and plain numbers only.
 */
@NullMarked
package org.facerecognition.vision;

import org.jspecify.annotations.NullMarked;
