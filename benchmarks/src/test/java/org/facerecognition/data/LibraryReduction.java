package org.facerecognition.data;

import org.facerecognition.vision.FaceDetector;

/** What the library does without showing it. */
public final class LibraryReduction {
    private LibraryReduction() {}

    /** Returns by how much a photograph is reduced while it is decoded for a detector with the default settings. */
    public static int of(int shorterSidePx) {
        return ImageReader.reduction(shorterSidePx, Photograph.sufficientPx(FaceDetector.Settings.DEFAULT));
    }
}
