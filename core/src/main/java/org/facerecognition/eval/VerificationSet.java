package org.facerecognition.eval;

import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.FacePairs;
import org.facerecognition.data.Framing;
import org.jspecify.annotations.Nullable;

/**
 * Faces to measure verification on: each with each other, or the pairs of a list. Say of people that the model was not
 * trained on, or the figures flatter it.
 */
public final class VerificationSet {
    private final FaceDataset faces;
    private final FacePairs.@Nullable Indexed pairs;

    private VerificationSet(FaceDataset faces, FacePairs.@Nullable Indexed pairs) {
        this.faces = faces;
        this.pairs = pairs;
    }

    /** Each face is compared with each other. A few thousand faces are millions of pairs; see {@link FaceDataset#withAtMost}. */
    public static VerificationSet of(FaceDataset faces) {
        return new VerificationSet(faces, null);
    }

    /**
     * The pairs of a list.
     *
     * @param framing as the model was trained
     */
    public static VerificationSet of(FacePairs pairs, Framing framing) {
        FacePairs.Indexed indexed = pairs.indexed(framing);
        return new VerificationSet(indexed.faces(), indexed);
    }

    /** All faces, each once: what is embedded, and what the numbers of a pair's faces mean. */
    public FaceDataset faces() {
        return faces;
    }

    /**
     * Embeds the faces and compares them.
     *
     * @param embedder gives each face of a data set its embedding, in order
     */
    public Verification verify(Function<FaceDataset, Embedded> embedder) {
        Embedded embedded = embedder.apply(faces);
        return pairs == null
                ? Verification.ofAllPairs(embedded)
                : Verification.ofPairs(embedded.embeddings(), pairs.first(), pairs.second(), pairs.same());
    }

    /** A short text that differs for other faces or other pairs. */
    public String fingerprint() {
        return pairs == null
                ? faces.fingerprint()
                : faces.fingerprint() + "-"
                        + Integer.toHexString(Arrays.hashCode(new int[] {
                            Arrays.hashCode(pairs.first()),
                            Arrays.hashCode(pairs.second()),
                            Arrays.hashCode(pairs.same())
                        }));
    }

    @Override
    public String toString() {
        return pairs == null
                ? "each with each of " + faces
                : String.format(Locale.ROOT, "%,d pairs of %,d images", pairs.same().length, faces.size());
    }
}
