package org.facerecognition.weights;

/** Hears how weights are fetched. */
public interface FetchListener {
    /** Hears nothing. */
    FetchListener NONE = new FetchListener() {};

    /** Bytes are about to be fetched, and under these terms. Not called for a file that is in the cache already. */
    default void begins(RemoteFile remote) {}

    /**
     * Some have come.
     *
     * @param bytes that are here now
     * @param total that there will be; -1 when the server does not say
     */
    default void progressed(long bytes, long total) {}
}
