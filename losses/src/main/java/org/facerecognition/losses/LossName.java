package org.facerecognition.losses;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * All losses by name, each with default settings: those of its paper, except that {@link #SPHEREFACE} has those that
 * the ArcFace paper compares with, {@link #NORMFACE} a scale that follows from the number of identities, and {@link
 * #TRIPLET} FaceNet's margin. Model files and the command line name a loss by its {@link
 * #id}.
 *
 * <p>The meaning of {@code s} and {@code m} differs between losses: see the class that each constant links to.
 */
public enum LossName {
    /** {@link ArcFaceMargin}. */
    ARCFACE("ArcFace", Kind.COSINES, 64.0, 0.5),
    /** {@link CosFaceMargin}. */
    COSFACE("CosFace", Kind.COSINES, 64.0, 0.35),
    /** {@link SphereFaceMargin}. */
    SPHEREFACE("SphereFace", Kind.COSINES, 64.0, 1.35),
    /** {@link CombinedMargin}: {@code m} is m2; m1 is 1 and m3 is 0.2. */
    COMBINED("combined margin", Kind.COSINES, 64.0, 0.3),
    /** {@link AdaFaceMargin}. */
    ADAFACE("AdaFace", Kind.COSINES, 64.0, 0.4),
    /** {@link MagFaceMargin}: {@code m} is the smallest margin; the largest is 0.35 above it. */
    MAGFACE("MagFace", Kind.COSINES, 64.0, 0.45),
    /** {@link CurricularFaceMargin}. */
    CURRICULARFACE("CurricularFace", Kind.COSINES, 64.0, 0.5),
    /** {@link ElasticArcMargin}. */
    ELASTICFACE_ARC("ElasticFace-Arc", Kind.COSINES, 64.0, 0.5),
    /** {@link ElasticCosMargin}. */
    ELASTICFACE_COS("ElasticFace-Cos", Kind.COSINES, 64.0, 0.35),
    /** {@link ArcFaceMargin} with sub-centers; see {@link MarginSoftmax}. */
    SUBCENTER_ARCFACE("sub-center ArcFace", Kind.COSINES, 64.0, 0.5),
    /** {@link AdaCosMargin} with the fixed scale. */
    ADACOS("AdaCos", Kind.COSINES, null, null),
    /** {@link AdaCosMargin} with the dynamic scale. */
    ADACOS_DYNAMIC("dynamic AdaCos", Kind.COSINES, null, null),
    /** {@link NormFaceMargin}: by default {@code s} is the {@link ScaleBound} for a probability of 0.99. */
    NORMFACE("NormFace", Kind.COSINES, Double.NaN, null),
    /** {@link LinearSoftmax}. */
    CROSS_ENTROPY("cross-entropy", Kind.LINEAR, null, null),
    /** {@link CircleMargin}. */
    CIRCLE("circle loss", Kind.COSINES, 256.0, 0.25),
    /** {@link CirclePairs}. */
    CIRCLE_PAIRS("circle loss of pairs", Kind.PAIRS, 256.0, 0.25),
    /** {@link BatchHardTriplet}. */
    TRIPLET("batch-hard triplet loss", Kind.PAIRS, null, 0.2),
    /** {@link SemiHardTriplet}. */
    TRIPLET_SEMIHARD("semi-hard triplet loss", Kind.PAIRS, null, 0.2),
    /** {@link SupervisedContrastive}. */
    SUPCON("supervised contrastive loss", Kind.PAIRS, 10.0, null),
    /** {@link Contrastive}. */
    CONTRASTIVE("contrastive loss", Kind.PAIRS, null, 1.0),
    /** {@link CenterLoss}: {@code m} is lambda. */
    CENTER("center loss", Kind.LINEAR, null, 0.003);

    private enum Kind {
        /** Softmax over cosines to centers: {@link MarginSoftmax}. */
        COSINES,
        /** Softmax over a linear layer. */
        LINEAR,
        /** Comparison of the samples of a batch: {@link MetricHead}. */
        PAIRS
    }

    private static final double NORMFACE_PROBABILITY = 0.99;
    private static final double WARNING_PROBABILITY = 0.9;
    private static final double MAGFACE_MARGIN_RANGE = 0.35; // 0.45 to 0.8 in the paper
    private static final double COMBINED_M3 = 0.2;
    private static final int DEFAULT_SUB_CENTERS = 3;

    private final String title;
    private final Kind kind;
    private final @Nullable Double s; // null for none, NaN for one that depends on the number of classes
    private final @Nullable Double m; // null for none

    LossName(String title, Kind kind, @Nullable Double s, @Nullable Double m) {
        this.title = title;
        this.kind = kind;
        this.s = s;
        this.m = m;
    }

    /** Returns the name in files and on the command line, such as {@code subcenter-arcface}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Returns the name to show to people, such as {@code sub-center ArcFace}. */
    public String title() {
        return title;
    }

    /** Returns the {@link #id}. */
    @Override
    public String toString() {
        return id();
    }

    /** Returns whether the loss is a softmax over cosines to identity centers, a {@link MarginSoftmax}. */
    public boolean hasCenters() {
        return kind == Kind.COSINES;
    }

    /**
     * Returns whether the loss is a {@link MarginSoftmax}.
     *
     * @deprecated renamed to {@link #hasCenters()}
     */
    @Deprecated
    public boolean hasCentres() {
        return hasCenters();
    }

    /**
     * Returns the loss with an id.
     *
     * @param id in upper or lower case, with hyphens or underscores
     * @throws IllegalArgumentException if there is no such loss; the message lists all ids
     */
    public static LossName of(String id) {
        return Arrays.stream(values())
                .filter(loss -> loss.id().equalsIgnoreCase(id.replace('_', '-')))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("loss must be one of "
                        + Arrays.stream(values()).map(LossName::id).collect(Collectors.joining(", "))
                        + ", but was \"" + id + "\""));
    }

    /** Returns whether the loss compares the samples of a batch, which must then contain several of some identities. */
    public boolean needsPairs() {
        return kind == Kind.PAIRS;
    }

    /**
     * Completes settings: values that are not set become the paper's, and values that the loss does not have are
     * removed.
     *
     * @param settings the settings to complete
     * @param classes the number of identities, at least 1
     */
    public LossSettings resolved(LossSettings settings, int classes) {
        boolean isSubCenter = this == SUBCENTER_ARCFACE;
        int subCenters = settings.subCenters() > 0 ? settings.subCenters() : isSubCenter ? DEFAULT_SUB_CENTERS : 1;
        return new LossSettings(
                s == null ? null : settings.s() != null ? settings.s() : defaultScale(classes),
                m == null ? null : settings.m() != null ? settings.m() : m,
                kind == Kind.COSINES ? subCenters : 1,
                needsPairs() ? 0 : settings.labelSmoothing(),
                needsPairs() ? 0 : settings.focalGamma(),
                settings.straightThrough() && (this == ARCFACE || isSubCenter));
    }

    private @Nullable Double defaultScale(int classes) {
        return s != null && s.isNaN() ? ScaleBound.lowest(Math.max(3, classes), NORMFACE_PROBABILITY) : s;
    }

    /**
     * Creates a head to train with.
     *
     * @param classes the number of identities, at least 1
     * @param embeddingSize the number of values in an embedding, at least 1
     * @param settings what differs from the paper; {@link #warnings} reports settings that this loss does not use
     * @return owned
     * @throws IllegalArgumentException if a value is out of range; the message names it, and nothing has been allocated
     */
    public Head create(int classes, int embeddingSize, LossSettings settings) {
        Libtorch.load(); // before a head is created: its superclass is libtorch's
        LossSettings all = resolved(settings, classes);
        CrossEntropy crossEntropy = all.crossEntropy();
        return switch (this) {
            case CROSS_ENTROPY -> new LinearSoftmax(classes, embeddingSize, crossEntropy);
            case CENTER -> {
                check(classes, settings);
                yield new CenterLoss(classes, embeddingSize, value(all.m()), crossEntropy);
            }
            case CIRCLE_PAIRS, TRIPLET, TRIPLET_SEMIHARD, SUPCON, CONTRASTIVE ->
                new MetricHead(classes, embeddingSize, pairLoss(all));
            default -> new MarginSoftmax(classes, embeddingSize, margin(classes, all), all.subCenters(), crossEntropy);
        };
    }

    /**
     * Checks settings without allocating a head.
     *
     * @param classes the number of identities, at least 1
     * @param settings the settings to check
     * @throws IllegalArgumentException if a value is out of range; the message names it
     */
    public void check(int classes, LossSettings settings) {
        LossSettings all = resolved(settings, classes);
        switch (kind) {
            case COSINES -> margin(classes, all);
            case PAIRS -> pairLoss(all);
            case LINEAR -> {
                if (this == CENTER) {
                    Checks.atLeast("m", value(all.m()), 0);
                }
            }
        }
    }

    /**
     * Returns the margin of a loss over cosines, for a head of your own.
     *
     * @param classes the number of identities, which determines the scale of some losses
     * @param settings what differs from the paper
     * @throws IllegalArgumentException if the loss is not a margin over cosines, or a value is out of range
     */
    public Margin margin(int classes, LossSettings settings) {
        LossSettings all = resolved(settings, classes);
        double scale = value(all.s());
        double margin = value(all.m());
        if (this == MAGFACE && !(margin >= 0 && margin + MAGFACE_MARGIN_RANGE < Math.PI)) {
            throw new IllegalArgumentException("m must be at least 0 and below "
                    + Math.floor(100 * (Math.PI - MAGFACE_MARGIN_RANGE)) / 100
                    + " radians for magface, whose margin at the smallest norm it is, but was " + margin);
        }
        return switch (this) {
            case ARCFACE, SUBCENTER_ARCFACE ->
                new ArcFaceMargin(
                        scale,
                        margin,
                        all.straightThrough() ? ArcFaceMargin.Gradient.STRAIGHT_THROUGH : ArcFaceMargin.Gradient.TRUE);
            case COSFACE -> new CosFaceMargin(scale, margin);
            case SPHEREFACE -> new SphereFaceMargin(scale, margin);
            case COMBINED -> new CombinedMargin(scale, 1, margin, COMBINED_M3);
            case ADAFACE -> new AdaFaceMargin(scale, margin);
            case MAGFACE -> new MagFaceMargin(scale, 10, 110, margin, margin + MAGFACE_MARGIN_RANGE, 35);
            case CURRICULARFACE -> new CurricularFaceMargin(scale, margin);
            case ELASTICFACE_ARC -> new ElasticArcMargin(scale, margin);
            case ELASTICFACE_COS -> new ElasticCosMargin(scale, margin);
            case ADACOS -> new AdaCosMargin(classes, false);
            case ADACOS_DYNAMIC -> new AdaCosMargin(classes, true);
            case NORMFACE -> new NormFaceMargin(scale);
            case CIRCLE -> new CircleMargin(scale, margin);
            case CROSS_ENTROPY, CENTER, CIRCLE_PAIRS, TRIPLET, TRIPLET_SEMIHARD, SUPCON, CONTRASTIVE ->
                throw new IllegalArgumentException("loss must be a margin over cosines, but was " + id());
        };
    }

    private PairLoss pairLoss(LossSettings all) {
        return switch (this) {
            case CIRCLE_PAIRS -> new CirclePairs(value(all.s()), value(all.m()));
            case TRIPLET -> new BatchHardTriplet(value(all.m()));
            case TRIPLET_SEMIHARD -> new SemiHardTriplet(value(all.m()));
            case SUPCON -> new SupervisedContrastive(value(all.s()));
            case CONTRASTIVE -> new Contrastive(value(all.m()));
            default -> throw new IllegalStateException(id() + " does not compare pairs");
        };
    }

    private static double value(@Nullable Double setting) {
        return setting == null ? Double.NaN : setting;
    }

    /**
     * Returns warnings about settings that are allowed but probably unintended, one sentence each; empty if there are
     * none.
     *
     * @param settings the settings to check
     * @param classes the number of identities, at least 1
     */
    public List<String> warnings(LossSettings settings, int classes) {
        List<String> warnings = new ArrayList<>();
        warnIfUnused(warnings, "s", settings.s() != null && s == null);
        warnIfUnused(warnings, "m", settings.m() != null && m == null);
        warnIfUnused(warnings, "sub-centers", settings.subCenters() > 1 && kind != Kind.COSINES);
        warnIfUnused(warnings, "label smoothing", settings.labelSmoothing() > 0 && needsPairs());
        warnIfUnused(warnings, "focal weighting", settings.focalGamma() > 0 && needsPairs());
        LossSettings used = resolved(settings, classes);
        warnIfUnused(warnings, "the straight-through gradient", settings.straightThrough() && !used.straightThrough());
        if (kind == Kind.COSINES && this != CIRCLE && used.s() != null && classes > 1) {
            double lowest = ScaleBound.lowest(classes, WARNING_PROBABILITY);
            if (used.s() < lowest) {
                warnings.add(String.format(
                        Locale.ROOT,
                        "s = %s is small for %d identities: even a perfect network would give the right one"
                                + " a probability of %.2f at most; for %.1f s must be at least %.2f",
                        used.s(),
                        classes,
                        ScaleBound.highestProbability(classes, used.s()),
                        WARNING_PROBABILITY,
                        lowest));
            }
        }
        return List.copyOf(warnings);
    }

    private void warnIfUnused(List<String> warnings, String what, boolean given) {
        if (given) {
            warnings.add(what + " has no meaning for " + id() + " and is not used");
        }
    }
}
