package org.facerecognition.eval;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.facerecognition.natives.ParallelStreams;

/**
 * Finds faces that are probably labeled with the wrong identity, from their embeddings by the trained network. Each
 * identity has one or several centers; its dominant center is the one that is nearest to most of its faces. A face is
 * suspected when it is far from the dominant center of its identity, or nearer to the dominant center of another.
 *
 * <p>The method is that of Deng et al., "Sub-center ArcFace: Boosting Face Recognition by Large-Scale Noisy Web Faces",
 * ECCV 2020, section 3.4, which drops faces beyond 75 degrees. With sub-centers, mislabeled faces gather at a center of
 * their own during training and do not pull the dominant center toward themselves. With one center per identity the
 * same test works, but less reliably.
 */
public final class LabelNoise {
    /** The angle beyond which the paper drops a face, in degrees. */
    public static final double USUAL_DEGREES = 75;

    private LabelNoise() {}

    /**
     * A face that is probably labeled with the wrong identity.
     *
     * @param face index of the face
     * @param label the identity it is labeled with
     * @param degrees angle to the dominant center of that identity, in degrees
     * @param nearest the identity whose dominant center is nearest; equal to {@code label} when the face is merely far
     *     away
     * @param nearestDegrees angle to the dominant center of {@code nearest}, in degrees
     */
    public record Suspect(int face, int label, double degrees, int nearest, double nearestDegrees) {}

    /**
     * Finds the suspected faces.
     *
     * @param faces the training faces, embedded by the trained network
     * @param centers [C * K][d], the K centers of each identity in succession, with any norm but zero
     * @param perIdentity K, at least 1
     * @param maxDegrees the largest angle between a face and the dominant center of its identity; a face farther away
     *     is suspected
     * @return the suspected faces in descending order of their angle
     * @throws IllegalArgumentException when a shape or a label does not fit, or the angle is not from 0 to 180
     */
    public static List<Suspect> suspects(Embedded faces, float[][] centers, int perIdentity, double maxDegrees) {
        if (perIdentity < 1 || centers.length == 0 || centers.length % perIdentity != 0) {
            throw new IllegalArgumentException("centers must be a multiple of " + Math.max(1, perIdentity)
                    + " per identity, but were " + centers.length);
        }
        requireAngle(maxDegrees);
        int identities = centers.length / perIdentity;
        double[] norms = Verification.norms(centers);
        double[] faceNorms = Verification.norms(faces.embeddings());
        int[] dominant = dominant(faces, centers, norms, perIdentity);
        return ParallelStreams.compute(
                IntStream.range(0, faces.labels().length),
                all -> all.mapToObj(i -> {
                            float[] face = faces.embeddings()[i];
                            int label = faces.labels()[i];
                            double labelCosine = 0;
                            double highest = Double.NEGATIVE_INFINITY;
                            int nearest = label;
                            for (int identity = 0; identity < identities; identity++) {
                                int center = dominant[identity];
                                double cosine =
                                        Verification.dot(face, centers[center]) / (faceNorms[i] * norms[center]);
                                if (identity == label) {
                                    labelCosine = cosine;
                                }
                                if (cosine > highest) {
                                    highest = cosine;
                                    nearest = identity;
                                }
                            }
                            return new Suspect(i, label, degrees(labelCosine), nearest, degrees(highest));
                        })
                        .filter(face -> face.nearest() != face.label() || face.degrees() > maxDegrees)
                        .sorted(Comparator.comparingDouble(Suspect::degrees).reversed())
                        .collect(Collectors.toCollection(ArrayList::new)));
    }

    /** Returns, per identity, the index of the center that is nearest to most of its faces; of several, the first. */
    private static int[] dominant(Embedded faces, float[][] centers, double[] norms, int perIdentity) {
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
                double score = Verification.dot(faces.embeddings()[i], centers[center]) / norms[center];
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

    /**
     * Checks an angle before the work for it.
     *
     * @throws IllegalArgumentException unless it is from 0 to 180 degrees
     */
    public static void requireAngle(double degrees) {
        if (!(degrees >= 0 && degrees <= 180)) {
            throw new IllegalArgumentException("degrees must be from 0 to 180, but were " + degrees);
        }
    }

    private static double degrees(double cosine) {
        return Math.toDegrees(Math.acos(Math.max(-1, Math.min(1, cosine))));
    }
}
