package org.facerecognition.gallery;

/** Refuses to use a gallery for embeddings that cannot be compared with those that it holds. */
final class ModelBinding {
    private ModelBinding() {}

    /**
     * Checks that a gallery belongs to a model.
     *
     * @param gallery names the gallery in messages
     * @param bound the gallery's model
     * @param place what another gallery would be, for messages: a file or a gallery
     * @throws GalleryException if it belongs to another model
     */
    static void check(String gallery, GalleryInfo bound, String fingerprint, int dimension, String place) {
        if (!bound.fingerprint().equals(fingerprint)) {
            throw new GalleryException(gallery + " holds embeddings of the model " + bound.fingerprint()
                    + ", which cannot be compared with those of " + fingerprint
                    + "; use that model, or enroll the images again into another " + place);
        }
        if (bound.dimension() != dimension) {
            throw new GalleryException(gallery + " holds embeddings of " + bound.dimension()
                    + " values, which cannot be compared with those of " + dimension
                    + "; use the model that computed them, or enroll the images again into another " + place);
        }
    }

    /**
     * Checks that a gallery is bound to an embedding mode.
     *
     * @throws GalleryException if it is bound to another mode
     */
    static void checkMode(String gallery, String bound, String mode, String place) {
        if (!bound.equals(mode)) {
            throw new GalleryException(gallery + " holds embeddings made in the mode \"" + bound
                    + "\", which cannot be compared with those of \"" + mode
                    + "\"; use the options that it was made with, or enroll the images again into another " + place);
        }
    }
}
