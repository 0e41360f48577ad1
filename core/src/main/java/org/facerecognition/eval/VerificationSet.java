package org.facerecognition.eval;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.FacePairs;
import org.facerecognition.data.UnsuitableDataException;
import org.jspecify.annotations.Nullable;

/**
 * Faces to measure verification on, either every face with every other or the pairs of a list. The faces should be of
 * people that the model was not trained on; otherwise the figures are too optimistic.
 */
public final class VerificationSet {
    private static final int MAX_FACES = 32_768; // half a billion pairs

    private final FaceDataset faces;
    private final FacePairs.@Nullable Indexed pairs;

    private VerificationSet(FaceDataset faces, FacePairs.@Nullable Indexed pairs) {
        this.faces = faces;
        this.pairs = pairs;
    }

    /**
     * Returns a set that compares every face with every other. A few thousand faces make millions of pairs; to reduce
     * them, see {@link FaceDataset#withAtMost}.
     *
     * @param faces without their augmentations, which are dropped
     */
    public static VerificationSet of(FaceDataset faces) {
        return new VerificationSet(faces.withAugmentations(List.of()), null);
    }

    /**
     * Returns a set that compares the pairs of a list.
     *
     * @param crop the crop that the model was trained with
     */
    public static VerificationSet of(FacePairs pairs, Crop crop) {
        FacePairs.Indexed indexed = pairs.indexed(crop);
        return new VerificationSet(indexed.faces(), indexed);
    }

    /** Returns all faces, each once. They are embedded in this order, and the faces of a pair are indices into it. */
    public FaceDataset faces() {
        return faces;
    }

    /**
     * Embeds the faces and compares them.
     *
     * @param embedder returns the embeddings of all faces of a data set, in its order
     */
    public Verification verify(Function<FaceDataset, Embedded> embedder) {
        Embedded embedded = embedder.apply(faces);
        return pairs == null
                ? Verification.ofAllPairs(embedded)
                : Verification.ofPairs(embedded.embeddings(), pairs.first(), pairs.second(), pairs.same());
    }

    /**
     * Checks, before any face is embedded, that verification can be measured: that there are genuine pairs (two faces
     * of the same person) and impostor pairs (faces of different people), and not more pairs than fit into memory.
     *
     * @throws UnsuitableDataException naming what is missing, or the largest number of faces
     */
    public void requireMeasurable() {
        if (pairs != null) {
            requireBothKinds(pairs.same());
            return;
        }
        requireFewFaces(faces.size());
        Map<Integer, Integer> counts = new HashMap<>();
        for (int i = 0; i < faces.size(); i++) {
            counts.merge(faces.sample(i).label(), 1, Integer::sum);
        }
        boolean genuine = counts.values().stream().anyMatch(count -> count > 1);
        boolean impostor = counts.size() > 1;
        if (!genuine || !impostor) {
            throw new UnsuitableDataException("faces to verify must form genuine and impostor pairs, but form none of "
                    + (impostor
                            ? "the same person; add a second image of at least one person"
                            : "different people; add another person"));
        }
    }

    private static void requireBothKinds(boolean[] same) {
        int genuine =
                (int) IntStream.range(0, same.length).filter(pair -> same[pair]).count();
        if (genuine == 0 || genuine == same.length) {
            throw new UnsuitableDataException(String.format(
                    Locale.ROOT,
                    "pairs to verify must be of both kinds, genuine (same person) and impostor (different people), but"
                            + " all %,d are %s; add %s pairs to the list",
                    same.length,
                    genuine == 0 ? "impostor" : "genuine",
                    genuine == 0 ? "genuine" : "impostor"));
        }
    }

    /** Limits the faces to half of the heap: the scores of all pairs are held twice while the ROC curve is computed. */
    private static void requireFewFaces(int faces) {
        long heap = Runtime.getRuntime().maxMemory();
        long pairs = heap / (4 * Double.BYTES);
        long maxFaces = Math.min(MAX_FACES, (long) Math.sqrt(2.0 * pairs));
        if (faces > maxFaces) {
            throw new UnsuitableDataException("faces to compare each with each must be at most " + maxFaces
                    + " in a Java heap of " + (heap >> 20) + " MiB, but are " + faces
                    + "; take fewer of each person (withAtMost), or give a list of pairs");
        }
    }

    /**
     * Returns this set without some of its faces and without the pairs that contain them.
     *
     * @param excluded the faces to leave out, as indices into {@link #faces}
     */
    public VerificationSet without(Set<Integer> excluded) {
        FaceDataset rest = faces.without(excluded);
        if (pairs == null) {
            return new VerificationSet(rest, null);
        }
        int[] newIndex = new int[faces.size()];
        int next = 0;
        for (int i = 0; i < newIndex.length; i++) {
            newIndex[i] = excluded.contains(i) ? -1 : next++;
        }
        int[] kept = IntStream.range(0, pairs.same().length)
                .filter(pair -> newIndex[pairs.first()[pair]] >= 0 && newIndex[pairs.second()[pair]] >= 0)
                .toArray();
        boolean[] same = new boolean[kept.length];
        for (int i = 0; i < kept.length; i++) {
            same[i] = pairs.same()[kept[i]];
        }
        return new VerificationSet(
                rest,
                new FacePairs.Indexed(
                        rest,
                        Arrays.stream(kept)
                                .map(pair -> newIndex[pairs.first()[pair]])
                                .toArray(),
                        Arrays.stream(kept)
                                .map(pair -> newIndex[pairs.second()[pair]])
                                .toArray(),
                        same));
    }

    /** Returns a short text that changes when the faces or the pairs change. */
    public String fingerprint() {
        return fingerprint(faces.fingerprint());
    }

    /** Returns the fingerprint of earlier versions; see {@link FaceDataset#formerFingerprint}. */
    public String formerFingerprint() {
        return fingerprint(faces.formerFingerprint());
    }

    private String fingerprint(String ofFaces) {
        return pairs == null
                ? ofFaces
                : ofFaces + "-"
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
