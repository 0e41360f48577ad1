package org.facerecognition.examples;

import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the loss that {@code train} minimizes. */
@HelpSection(Heading.LOSS)
final class LossOptions {
    static final String LOSS = "--loss";
    static final String SUB_CENTERS = "--sub-centers";

    @Option(
            names = LOSS,
            paramLabel = "NAME",
            defaultValue = "arcface",
            description = "One of ${COMPLETION-CANDIDATES}.")
    private LossName loss;

    @Option(
            names = "--s",
            paramLabel = "SCALE",
            description = "Scale of the cosines. Default: 5 for arcface, else the loss's own (losses/README.md).")
    private @Nullable Double s;

    @Option(
            names = "--m",
            paramLabel = "MARGIN",
            description = "Margin: radians for arcface, a difference of cosines for cosface."
                    + " Default: 0.1 for arcface, else the loss's own (losses/README.md).")
    private @Nullable Double m;

    @Option(
            names = SUB_CENTERS,
            defaultValue = "0",
            paramLabel = "K",
            description = "Centers per identity; 0 means 3 for subcenter-arcface, else 1.")
    private int subCenters;

    @Option(
            names = "--label-smoothing",
            paramLabel = "SHARE",
            defaultValue = "0",
            description = "Share of the target probability that is spread over all identities.")
    private double labelSmoothing;

    @Option(
            names = "--focal-gamma",
            paramLabel = "GAMMA",
            defaultValue = "0",
            description = "Exponent of the focal weighting; 2 in its paper, 0 for none.")
    private double focalGamma;

    @Option(
            names = "--straight-through",
            description = "Use insightface's gradient of arcface instead of the exact one.")
    private boolean straightThrough;

    @Option(
            names = "--partial-fc",
            defaultValue = "1",
            paramLabel = "SHARE",
            description = "Partial FC: the share of the identities that each step works with, such as 0.1; 1 for all.")
    private double partialFraction;

    @Option(names = "--bf16-logits", description = "Multiply embeddings and centers in bfloat16.")
    private boolean bf16Logits;

    LossName loss() {
        return loss;
    }

    /** Returns how many centers per identity a loss uses for a value of --sub-centers. {@link #create} records it. */
    static int usedSubCenters(LossName loss, int given) {
        return loss.resolved(new LossSettings(null, null, given, 0, 0, false), 1)
                .subCenters();
    }

    /**
     * Creates the recognizer. Sets --s, --m and --sub-centers to the values that are used, for {@code args.json}.
     *
     * @param args the arguments without those of the loss
     * @return owned
     */
    Recognizer create(RecognizerArgs.Builder args) {
        RecognizerArgs all = args.s(s)
                .m(m)
                .subCenters(subCenters)
                .labelSmoothing(labelSmoothing)
                .focalGamma(focalGamma)
                .straightThrough(straightThrough)
                .partialFraction(partialFraction)
                .bf16Logits(bf16Logits)
                .build();
        Recognizer recognizer = Recognizer.withLoss(loss, all);
        RecognizerArgs used = all.resolved(loss);
        s = used.loss().s();
        m = used.loss().m();
        subCenters = used.loss().subCenters();
        return recognizer;
    }
}
