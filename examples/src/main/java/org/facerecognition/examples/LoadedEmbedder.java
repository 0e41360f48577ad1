package org.facerecognition.examples;

import org.facerecognition.FaceEmbedder;
import org.facerecognition.PreparedRecognizer;

/** A model for commands that only embed faces with it. */
interface LoadedEmbedder extends AutoCloseable {
    /** Returns the model; borrowed. */
    FaceEmbedder embedder();

    @Override
    void close();

    /**
     * Returns a model that was prepared from its file.
     *
     * @param prepared owned from now on
     */
    static LoadedEmbedder of(PreparedRecognizer prepared) {
        return new LoadedEmbedder() {
            @Override
            public FaceEmbedder embedder() {
                return prepared;
            }

            @Override
            public void close() {
                prepared.close();
            }
        };
    }
}
