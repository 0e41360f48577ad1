package org.facerecognition.weights;

/** Receives notifications about the download of weights. */
public interface FetchListener {
    /** A listener that does nothing. */
    FetchListener NONE = new FetchListener() {};

    /**
     * Called before a download. Not called for a file that is in the cache already.
     *
     * @param remote the address, and the license to show to the user
     */
    default void begins(RemoteFile remote) {}

    /**
     * Called as bytes arrive.
     *
     * @param bytes number of bytes received so far
     * @param total number of bytes of the file; -1 when the server does not announce it
     */
    default void progressed(long bytes, long total) {}
}
