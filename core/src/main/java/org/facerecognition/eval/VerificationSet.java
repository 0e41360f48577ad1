package org.facerecognition.eval;

import java.util.Arrays;
import java.util.HashMap;
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
 * Faces to measure verification on: each with each other, or the pairs of a list. Say of people that the model was not
 * trained on, or the figures flatter it.
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
     * Each face is compared with each other. A few thousand faces are millions of pairs; see {@link
     * FaceDataset#withAtMost}.
     */
    public static VerificationSet of(FaceDataset faces) {
        return new VerificationSet(faces, null);
    }

    /**
     * The pairs of a list.
     *
     * @param crop as the model was trained
     */
    public static VerificationSet of(FacePairs pairs, Crop crop) {
        FacePairs.Indexed indexed = pairs.indexed(crop);
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

    /**
     * Checks before any work that there is something to measure: genuine pairs (two faces of one person) and impostor
     * pairs (faces of two), and not more pairs than memory holds.
     *
     * @throws UnsuitableDataException saying what is missing, or how many faces there may be
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
            throw new UnsuitableDataException(
                    "faces to verify must have pairs of one person and pairs of two, but have none of "
                            + (impostor
                                    ? "one person: give at least two images of somebody"
                                    : "two people: give another person"));
        }
    }

    private static void requireBothKinds(boolean[] same) {
        int genuine =
                (int) IntStream.range(0, same.length).filter(pair -> same[pair]).count();
        if (genuine == 0 || genuine == same.length) {
            throw new UnsuitableDataException(String.format(
                    Locale.ROOT,
                    "pairs to verify must be of both kinds, genuine (one person) and impostor (two people), but all %,d"
                            + " are %s; add %s pairs to the list",
                    same.length,
                    genuine == 0 ? "impostor" : "genuine",
                    genuine == 0 ? "genuine" : "impostor"));
        }
    }

    /** Scores of all pairs are held twice while a ROC curve is made. */
    private static void requireFewFaces(int faces) {
        long heap = Runtime.getRuntime().maxMemory();
        long pairs = heap / (4 * Double.BYTES); // in half of the heap
        long most = Math.min(MAX_FACES, (long) Math.sqrt(2.0 * pairs));
        if (faces > most) {
            throw new UnsuitableDataException("faces to compare each with each must be at most " + most
                    + " in a Java heap of " + (heap >> 20) + " MiB, but are " + faces
                    + "; take fewer of each person (withAtMost), or give a list of pairs");
        }
    }

    /**
     * The same without some of its faces, and without the pairs that they are in.
     *
     * @param left numbers of the faces to leave out, among {@link #faces}
     */
    public VerificationSet without(Set<Integer> left) {
        FaceDataset rest = faces.without(left);
        if (pairs == null) {
            return new VerificationSet(rest, null);
        }
        int[] now = new int[faces.size()];
        int next = 0;
        for (int i = 0; i < now.length; i++) {
            now[i] = left.contains(i) ? -1 : next++;
        }
        int[] kept = IntStream.range(0, pairs.same().length)
                .filter(pair -> now[pairs.first()[pair]] >= 0 && now[pairs.second()[pair]] >= 0)
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
                                .map(pair -> now[pairs.first()[pair]])
                                .toArray(),
                        Arrays.stream(kept)
                                .map(pair -> now[pairs.second()[pair]])
                                .toArray(),
                        same));
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
