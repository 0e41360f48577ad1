package org.facerecognition.gallery;

/** Where {@link Gallery#enrollNewImages} enrolls an image at most once. */
public enum UniqueIn {
    /** In the gallery: an image that is enrolled under any name is not enrolled again. */
    GALLERY,
    /** In the identity: an image that is enrolled under another name only is enrolled. */
    IDENTITY
}
