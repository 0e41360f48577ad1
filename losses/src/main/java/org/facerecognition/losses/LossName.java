package org.facerecognition.losses;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * The losses by name, each with its paper's settings. A model's file and the command line know a loss by its {@link
 * #id}.
 *
 * <p>What {@code s} and {@code m} mean differs: see the class that each is made of.
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
    /** {@link MagFaceMargin}: {@code m} is the least margin; the greatest is 0.35 above. */
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
    /** {@link AdaCosMargin} with the scale that moves. */
    ADACOS_DYNAMIC("dynamic AdaCos", Kind.COSINES, null, null),
    /** {@link NormFaceMargin}: {@code s} is the {@link ScaleBound} for a probability of .99, unless set. */
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
        /** Compares a batch's samples: {@link MetricHead}. */
        PAIRS
    }

    private static final double NORMFACE_PROBABILITY = 0.99;
    private static final double WARNING_PROBABILITY = 0.9;
    private static final double MAGFACE_MARGIN_RANGE = 0.35; // 0.45 to 0.8 in the paper
    private static final double COMBINED_M3 = 0.2;
    private static final int SUB_CENTRES = 3;

    private final String title;
    private final Kind kind;
    private final @Nullable Double s; // null for none, NaN for one that follows from the classes
    private final @Nullable Double m; // null for none

    LossName(String title, Kind kind, @Nullable Double s, @Nullable Double m) {
        this.title = title;
        this.kind = kind;
        this.s = s;
        this.m = m;
    }

    /** Its name in files and on the command line: {@code subcenter-arcface}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Its name for people. */
    public String title() {
        return title;
    }

    /** The same as {@link #id}. */
    @Override
    public String toString() {
        return id();
    }

    /** Whether it is a softmax over cosines to identity centers, a {@link MarginSoftmax}. */
    public boolean hasCenters() {
        return kind == Kind.COSINES;
    }

    /**
     * @param id in any case
     * @throws IllegalArgumentException when there is no such loss, naming those that there are
     */
    public static LossName of(String id) {
        return Arrays.stream(values())
                .filter(loss -> loss.id().equalsIgnoreCase(id.replace('_', '-')))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("loss must be one of "
                        + Arrays.stream(values()).map(LossName::id).collect(Collectors.joining(", "))
                        + ", but was \"" + id + "\""));
    }

    /** Whether it compares the samples of a batch, which must then hold several of some identities. */
    public boolean needsPairs() {
        return kind == Kind.PAIRS;
    }

    /**
     * Settings with what is not set filled in by the paper's, and without what the loss does not have.
     *
     * @param classes number of identities, at least 1
     */
    public LossSettings resolved(LossSettings settings, int classes) {
        boolean sub = this == SUBCENTER_ARCFACE;
        int subCenters = settings.subCenters() > 0 ? settings.subCenters() : sub ? SUB_CENTRES : 1;
        return new LossSettings(
                s == null ? null : settings.s() != null ? settings.s() : ownScale(classes),
                m == null ? null : settings.m() != null ? settings.m() : m,
                kind == Kind.COSINES ? subCenters : 1,
                needsPairs() ? 0 : settings.labelSmoothing(),
                needsPairs() ? 0 : settings.focalGamma(),
                settings.straightThrough() && (this == ARCFACE || sub));
    }

    private @Nullable Double ownScale(int classes) {
        return s != null && s.isNaN() ? ScaleBound.lowest(Math.max(3, classes), NORMFACE_PROBABILITY) : s;
    }

    /**
     * A head to train with.
     *
     * @param classes number of identities, at least 1
     * @param embeddingSize length of an embedding, at least 1
     * @param settings what differs from the paper's; {@link #warnings} tells what has no meaning for this loss
     * @throws IllegalArgumentException when a value makes no sense, saying which; nothing is allocated then
     */
    public Head create(int classes, int embeddingSize, LossSettings settings) {
        Libtorch.load(); // before a head is made: its superclass is libtorch's
        LossSettings all = resolved(settings, classes);
        CrossEntropy crossEntropy = all.crossEntropy();
        return switch (this) {
            case CROSS_ENTROPY -> new LinearSoftmax(classes, embeddingSize, crossEntropy);
            case CENTER -> new CenterLoss(classes, embeddingSize, value(all.m()), crossEntropy);
            case CIRCLE_PAIRS, TRIPLET, TRIPLET_SEMIHARD, SUPCON, CONTRASTIVE ->
                new MetricHead(classes, embeddingSize, pairLoss(all));
            default -> new MarginSoftmax(classes, embeddingSize, margin(classes, all), all.subCenters(), crossEntropy);
        };
    }

    /**
     * Refuses settings that make no sense, without making anything of size.
     *
     * @throws IllegalArgumentException saying which
     */
    public void check(int classes, LossSettings settings) {
        LossSettings all = resolved(settings, classes);
        switch (kind) {
            case COSINES -> margin(classes, all);
            case PAIRS -> pairLoss(all);
            case LINEAR -> {
                if (this == CENTER) {
                    Checks.atLeast("lambda", value(all.m()), 0);
                }
            }
        }
    }

    /**
     * The margin of a loss that is one, for a head of your own.
     *
     * @param classes number of identities; some scales follow from it
     * @throws IllegalArgumentException when the loss is no margin over cosines, or a value makes no sense
     */
    public Margin margin(int classes, LossSettings settings) {
        LossSettings all = resolved(settings, classes);
        double scale = value(all.s());
        double margin = value(all.m());
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
     * What is allowed but hardly meant: sentences for people, none when all is well.
     *
     * @param classes number of identities, at least 1
     */
    public List<String> warnings(LossSettings settings, int classes) {
        List<String> all = new ArrayList<>();
        unused(all, "s", settings.s() != null && s == null);
        unused(all, "m", settings.m() != null && m == null);
        unused(all, "sub-centers", settings.subCenters() > 1 && kind != Kind.COSINES);
        unused(all, "label smoothing", settings.labelSmoothing() > 0 && needsPairs());
        unused(all, "focal weighting", settings.focalGamma() > 0 && needsPairs());
        LossSettings used = resolved(settings, classes);
        unused(all, "the straight-through gradient", settings.straightThrough() && !used.straightThrough());
        if (kind == Kind.COSINES && this != CIRCLE && used.s() != null && classes > 1) {
            double lowest = ScaleBound.lowest(classes, WARNING_PROBABILITY);
            if (used.s() < lowest) {
                all.add(String.format(
                        Locale.ROOT,
                        "s = %s is small for %d identities: even a perfect net would give the right one a probability"
                                + " of %.2f at most; for %.1f s must be at least %.2f",
                        used.s(),
                        classes,
                        ScaleBound.highestProbability(classes, used.s()),
                        WARNING_PROBABILITY,
                        lowest));
            }
        }
        return List.copyOf(all);
    }

    private void unused(List<String> warnings, String what, boolean given) {
        if (given) {
            warnings.add(what + " has no meaning for " + id() + " and is not used");
        }
    }
}
