/**
 * Face detection and alignment: {@link org.facerecognition.vision.FaceDetector} finds faces and their landmarks, {@link
 * org.facerecognition.vision.FaceAligner} crops a face by its landmarks. Depends on OpenCV, on Protocol Buffers (to
 * tell the files of detectors apart), on files and on {@code natives}.
 */
@NullMarked
package org.facerecognition.vision;

import org.jspecify.annotations.NullMarked;
