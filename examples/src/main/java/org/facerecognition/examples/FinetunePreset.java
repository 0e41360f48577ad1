package org.facerecognition.examples;

import java.util.Map;
import java.util.Set;
import org.facerecognition.examples.ScheduleOptions.Scheduler;
import org.facerecognition.losses.LossName;
import org.facerecognition.losses.LossSettings;
import org.facerecognition.losses.Margin;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Defaults for fine-tuning a network that was trained on faces to few people: the learning rates and the schedule keep
 * the encoder close to its weights, and the head learns first and starts from the mean embeddings. Options given on the
 * command line take precedence.
 */
final class FinetunePreset {
    private static final Map<String, Object> DEFAULTS = Map.ofEntries(
            Map.entry("--augmentations", "flip"),
            Map.entry("--dropout", 0.2),
            Map.entry("--lr", 2e-4),
            Map.entry("--weight-decay", 0.01),
            Map.entry("--head-lr-multiplier", 10.0),
            Map.entry("--no-decay-norm-bias", true),
            Map.entry("--head-from-means", true),
            Map.entry("--margin-warmup-epochs", 2),
            Map.entry("--clip", 5.0),
            Map.entry("--scheduler", Scheduler.COSINE),
            Map.entry("--eta-min", 1e-6),
            Map.entry("--freezer", "all:1"),
            Map.entry("--batch-size", 64),
            Map.entry("--epochs", 6));

    /** For a head with weights, which losses that compare pairs do not have. */
    private static final Set<String> ONLY_WITH_WEIGHTS = Set.of("--freezer", "--head-lr-multiplier");

    private static final Map<String, Object> ARCFACE_DEFAULTS = Map.of("--s", 24.0, "--m", 0.3);

    private static final int CLASSES = 500; // any that all losses allow

    private FinetunePreset() {}

    /** Sets the options of {@code train} that are not on the command line. */
    static void applyTo(CommandSpec spec) {
        var given = spec.commandLine().getParseResult();
        LossName loss = spec.findOption("--loss").getValue();
        DEFAULTS.forEach((name, value) -> {
            boolean applies = (loss.hasCenters() || !name.equals("--head-from-means"))
                    && (hasMargin(loss) || !name.equals("--margin-warmup-epochs"))
                    && (!loss.needsPairs() || !ONLY_WITH_WEIGHTS.contains(name));
            if (applies && !given.hasMatchedOption(name)) {
                spec.findOption(name).setValue(value);
            }
        });
        if (loss == LossName.ARCFACE) { // other losses use their papers' settings
            ARCFACE_DEFAULTS.forEach((name, value) -> {
                if (!given.hasMatchedOption(name)) {
                    spec.findOption(name).setValue(value);
                }
            });
        }
    }

    private static boolean hasMargin(LossName loss) {
        if (!loss.hasCenters()) {
            return false;
        }
        Margin margin = loss.margin(CLASSES, LossSettings.DEFAULTS);
        return !margin.scaledBy(0.5).equals(margin);
    }
}
