package org.facerecognition.losses;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/** Every margin with a second implementation of its formula, in terms of the angle itself and in double precision. */
final class MarginCases {
    /** Target angles from 0.25 to 179.75 degrees, in radians. */
    static final double[] ANGLES = IntStream.range(0, 360)
            .mapToDouble(i -> Math.toRadians(i / 2.0 + 0.25))
            .toArray();

    static final double[] COSINES =
            IntStream.range(0, 360).mapToDouble(i -> Math.cos(ANGLES[i])).toArray();

    /** The norm of the embedding at each angle. */
    static final double[] NORMS =
            IntStream.range(0, 360).mapToDouble(i -> 0.5 + i * 0.4).toArray();

    static final double NORM_MEAN = 40; // state of AdaFace
    static final double NORM_STD = 25; // state of AdaFace
    static final double T = 0.3; // state of CurricularFace
    static final double SCALE = 7; // state of AdaCos

    private MarginCases() {}

    /** The expected target with margin. */
    interface TargetFormula {
        double at(double theta, double norm);
    }

    /** The expected cosine of a negative. */
    interface NegativeFormula {
        double at(double theta, double targetWithMargin);
    }

    /**
     * A margin and its formulas.
     *
     * @param trueGradient whether the gradient is that of the formulas; some margins stop a part of it
     */
    record Case(String name, Margin margin, TargetFormula target, NegativeFormula negative, boolean trueGradient) {
        Case(String name, Margin margin, TargetFormula target) {
            this(name, margin, target, (theta, targetWithMargin) -> Math.cos(theta), true);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static List<Case> all() {
        double relativeScale = SCALE / (Math.sqrt(2) * Math.log(499));
        return List.of(
                new Case("ArcFace", new ArcFaceMargin(64, 0.5), (t, n) -> mirroredCos(t + 0.5)),
                new Case(
                        "ArcFace straight through",
                        new ArcFaceMargin(64, 0.5, ArcFaceMargin.Gradient.STRAIGHT_THROUGH),
                        (t, n) -> mirroredCos(t + 0.5),
                        (t, targetWithMargin) -> Math.cos(t),
                        false),
                new Case("CosFace", new CosFaceMargin(64, 0.35), (t, n) -> Math.cos(t) - 0.35),
                new Case("SphereFace 1.35", new SphereFaceMargin(64, 1.35), (t, n) -> fallingCos(1.35 * t)),
                new Case("SphereFace 4", new SphereFaceMargin(64, 4), (t, n) -> fallingCos(4 * t)),
                new Case("combined", new CombinedMargin(64, 1, 0.3, 0.2), (t, n) -> mirroredCos(t + 0.3) - 0.2),
                new Case(
                        "combined with m1",
                        new CombinedMargin(64, 0.9, 0.4, 0.15),
                        (t, n) -> fallingCos(0.9 * t + 0.4) - 0.15),
                new Case("AdaFace", new AdaFaceMargin(64, 0.4), (t, n) -> adaFace(t, n, 0.4, 0.333)),
                new Case("AdaFace, wide", new AdaFaceMargin(64, 0.9, 2, 0.01), (t, n) -> adaFace(t, n, 0.9, 2)),
                new Case("MagFace", new MagFaceMargin(64), MarginCases::magFace),
                new Case(
                        "CurricularFace",
                        new CurricularFaceMargin(64, 0.5),
                        (t, n) -> mirroredCos(t + 0.5),
                        (t, targetWithMargin) ->
                                Math.cos(t) > targetWithMargin ? Math.cos(t) * (T + Math.cos(t)) : Math.cos(t),
                        true),
                new Case("ElasticFace-Arc", new ElasticArcMargin(64, 0.5), (t, n) -> mirroredCos(t + 0.5)),
                new Case("ElasticFace-Cos", new ElasticCosMargin(64, 0.35), (t, n) -> Math.cos(t) - 0.35),
                new Case("AdaCos", new AdaCosMargin(500, false), (t, n) -> Math.cos(t)),
                new Case(
                        "AdaCos, dynamic",
                        new AdaCosMargin(500, true),
                        (t, n) -> Math.cos(t) * relativeScale,
                        (t, targetWithMargin) -> Math.cos(t) * relativeScale,
                        true),
                new Case("NormFace", new NormFaceMargin(16), (t, n) -> Math.cos(t)),
                new Case(
                        "circle",
                        new CircleMargin(256, 0.25),
                        (t, n) -> Math.max(0, 1.25 - Math.cos(t)) * (Math.cos(t) - 0.75),
                        (t, targetWithMargin) -> Math.max(0, Math.cos(t) + 0.25) * (Math.cos(t) - 0.25),
                        false));
    }

    static double magFace(double theta, double norm) {
        double a = Math.min(110, Math.max(10, norm));
        return mirroredCos(theta + 0.45 + (0.8 - 0.45) * (a - 10) / (110 - 10));
    }

    private static double adaFace(double theta, double norm, double m, double h) {
        double clipped = Math.min(100, Math.max(0.001, norm));
        double z = Math.max(-1, Math.min(1, h * (clipped - NORM_MEAN) / (NORM_STD + 0.001)));
        return mirroredCos(theta - m * z) - (m + m * z);
    }

    /** Returns cos up to pi, and then the same wave again and again, each 2 lower. */
    private static double fallingCos(double angle) {
        double lower = 0;
        while (angle > Math.PI) {
            angle -= Math.PI;
            lower += 2;
        }
        return Math.cos(angle) - lower;
    }

    /** Returns cos up to pi, from there to 2 pi its mirror image, and 1 below 0. */
    private static double mirroredCos(double angle) {
        return angle < 0 ? 1 : angle <= Math.PI ? Math.cos(angle) : -2 - Math.cos(angle);
    }

    /** Returns the state of all margins, new tensors in double precision. */
    static Map<String, Tensor> state() {
        return Map.of(
                "norm_mean", scalar(NORM_MEAN), "norm_std", scalar(NORM_STD), "t", scalar(T), "scale", scalar(SCALE));
    }

    private static Tensor scalar(double value) {
        return Tensors.doubles(value).squeeze().clone();
    }
}
