package org.facerecognition.eval;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Finds faces that are probably under a wrong name, by where a trained net puts them. Each identity has one or several
 * centers; its dominant one is that to which most of its faces are nearest. A face far from the dominant center of its
 * identity, or nearer to that of another, is suspected.
 *
 * <p>Deng et al., "Sub-center ArcFace: Boosting Face Recognition by Large-Scale Noisy Web Faces", ECCV 2020, section 3.4,
 * which drops faces of more than 75 degrees. With sub-centers, wrongly named faces gather at another center in training and
 * have not pulled the dominant one to themselves; with one center each the same is asked, less reliably.
 */
public final class LabelNoise {
    /** The paper's. */
    public static final double USUAL_DEGREES = 75;

    private LabelNoise() {}

    /**
     * A face that is probably not who it is said to be.
     *
     * @param face its number among the faces
     * @param label who it is said to be
     * @param degrees angle to the dominant center of that identity
     * @param nearest the identity whose dominant center is nearest; {@code label} when it is merely far
     * @param nearestDegrees angle to that
     */
    public record Suspect(int face, int label, double degrees, int nearest, double nearestDegrees) {}

    /**
     * Looks for suspects.
     *
     * @param faces of the training, embedded by the trained net
     * @param centers [C * K][d], an identity's K centers one after another, of any length but zero
     * @param perIdentity K, at least 1
     * @param mostDegrees from its own dominant center; a face farther than this is suspected
     * @return the farthest first
     * @throws IllegalArgumentException when a shape or a label does not fit
     */
    public static List<Suspect> suspects(Embedded faces, float[][] centers, int perIdentity, double mostDegrees) {
        if (perIdentity < 1 || centers.length == 0 || centers.length % perIdentity != 0) {
            throw new IllegalArgumentException("centers must be a multiple of " + Math.max(1, perIdentity)
                    + " per identity, but were " + centers.length);
        }
        int identities = centers.length / perIdentity;
        double[] lengths = Verification.lengths(centers);
        double[] faceLengths = Verification.lengths(faces.embeddings());
        int[] dominant = dominant(faces, centers, lengths, perIdentity);
        List<Suspect> suspects = new ArrayList<>();
        for (int i = 0; i < faces.labels().length; i++) {
            float[] face = faces.embeddings()[i];
            int label = faces.labels()[i];
            double own = 0;
            double highest = Double.NEGATIVE_INFINITY;
            int nearest = label;
            for (int identity = 0; identity < identities; identity++) {
                int center = dominant[identity];
                double cosine = Verification.dot(face, centers[center]) / (faceLengths[i] * lengths[center]);
                if (identity == label) {
                    own = cosine;
                }
                if (cosine > highest) {
                    highest = cosine;
                    nearest = identity;
                }
            }
            if (nearest != label || degrees(own) > mostDegrees) {
                suspects.add(new Suspect(i, label, degrees(own), nearest, degrees(highest)));
            }
        }
        suspects.sort(Comparator.comparingDouble(Suspect::degrees).reversed());
        return suspects;
    }

    /** Of each identity, the index of the center to which most of its faces are nearest; the first of several. */
    private static int[] dominant(Embedded faces, float[][] centers, double[] lengths, int perIdentity) {
        int identities = centers.length / perIdentity;
        int[] votes = new int[centers.length];
        for (int i = 0; i < faces.labels().length; i++) {
            int label = faces.labels()[i];
            if (label >= identities) {
                throw new IllegalArgumentException("labels must be below " + identities
                        + ", the number of identities with centers, but one was " + label);
            }
            int best = label * perIdentity;
            double highest = Double.NEGATIVE_INFINITY;
            for (int center = label * perIdentity; center < (label + 1) * perIdentity; center++) {
                double score = Verification.dot(faces.embeddings()[i], centers[center]) / lengths[center];
                if (score > highest) {
                    highest = score;
                    best = center;
                }
            }
            votes[best]++;
        }
        int[] dominant = new int[identities];
        for (int identity = 0; identity < identities; identity++) {
            int best = identity * perIdentity;
            for (int center = best; center < (identity + 1) * perIdentity; center++) {
                best = votes[center] > votes[best] ? center : best;
            }
            dominant[identity] = best;
        }
        return dominant;
    }

    private static double degrees(double cosine) {
        return Math.toDegrees(Math.acos(Math.max(-1, Math.min(1, cosine))));
    }
}
