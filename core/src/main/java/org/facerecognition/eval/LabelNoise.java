package org.facerecognition.eval;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Finds faces that are probably under a wrong name, by where a trained net puts them. Each identity has one or several
 * centres; its dominant one is that to which most of its faces are nearest. A face far from the dominant centre of its
 * identity, or nearer to that of another, is suspected.
 *
 * <p>Deng et al., "Sub-center ArcFace: Boosting Face Recognition by Large-Scale Noisy Web Faces", ECCV 2020, section 3.4,
 * which drops faces of more than 75 degrees. With sub-centres, wrongly named faces gather at another centre in training and
 * have not pulled the dominant one to themselves; with one centre each the same is asked, less reliably.
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
     * @param degrees angle to the dominant centre of that identity
     * @param nearest the identity whose dominant centre is nearest; {@code label} when it is merely far
     * @param nearestDegrees angle to that
     */
    public record Suspect(int face, int label, double degrees, int nearest, double nearestDegrees) {}

    /**
     * Looks for suspects.
     *
     * @param faces of the training, embedded by the trained net
     * @param centres [C * K][d], an identity's K centres one after another, of any length but zero
     * @param perIdentity K, at least 1
     * @param mostDegrees from its own dominant centre; a face farther than this is suspected
     * @return the farthest first
     * @throws IllegalArgumentException when a shape or a label does not fit
     */
    public static List<Suspect> suspects(Embedded faces, float[][] centres, int perIdentity, double mostDegrees) {
        if (perIdentity < 1 || centres.length == 0 || centres.length % perIdentity != 0) {
            throw new IllegalArgumentException("centres must be a multiple of " + Math.max(1, perIdentity)
                    + " per identity, but were " + centres.length);
        }
        int identities = centres.length / perIdentity;
        double[] lengths = Verification.lengths(centres);
        double[] faceLengths = Verification.lengths(faces.embeddings());
        int[] dominant = dominant(faces, centres, lengths, perIdentity);
        List<Suspect> suspects = new ArrayList<>();
        for (int i = 0; i < faces.labels().length; i++) {
            float[] face = faces.embeddings()[i];
            int label = faces.labels()[i];
            double own = 0;
            double highest = Double.NEGATIVE_INFINITY;
            int nearest = label;
            for (int identity = 0; identity < identities; identity++) {
                int centre = dominant[identity];
                double cosine = Verification.dot(face, centres[centre]) / (faceLengths[i] * lengths[centre]);
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

    /** Of each identity, the index of the centre to which most of its faces are nearest; the first of several. */
    private static int[] dominant(Embedded faces, float[][] centres, double[] lengths, int perIdentity) {
        int identities = centres.length / perIdentity;
        int[] votes = new int[centres.length];
        for (int i = 0; i < faces.labels().length; i++) {
            int label = faces.labels()[i];
            if (label >= identities) {
                throw new IllegalArgumentException("labels must be below " + identities
                        + ", the number of identities with centres, but one was " + label);
            }
            int best = label * perIdentity;
            double highest = Double.NEGATIVE_INFINITY;
            for (int centre = label * perIdentity; centre < (label + 1) * perIdentity; centre++) {
                double score = Verification.dot(faces.embeddings()[i], centres[centre]) / lengths[centre];
                if (score > highest) {
                    highest = score;
                    best = centre;
                }
            }
            votes[best]++;
        }
        int[] dominant = new int[identities];
        for (int identity = 0; identity < identities; identity++) {
            int best = identity * perIdentity;
            for (int centre = best; centre < (identity + 1) * perIdentity; centre++) {
                best = votes[centre] > votes[best] ? centre : best;
            }
            dominant[identity] = best;
        }
        return dominant;
    }

    private static double degrees(double cosine) {
        return Math.toDegrees(Math.acos(Math.max(-1, Math.min(1, cosine))));
    }
}
