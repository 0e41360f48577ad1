package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.facerecognition.Threshold;
import org.facerecognition.eval.EvaluationReport;
import org.facerecognition.eval.FalsePositiveIdentification;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gallery info}: says what a gallery contains, and how often it mistakes a stranger for an enrolled person. */
@Command(
        name = "info",
        description = {
            "Say what a gallery contains and, with --model, how often it mistakes a stranger for an enrolled person.",
            "The rate is estimated from the size of the gallery and the false accept rates that evaluate --calibrate"
                    + " measured, as if all comparisons were independent; the bound needs no independence."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryInfoCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private GalleryCommand.PlaceOption gallery = new GalleryCommand.PlaceOption();

    @Option(
            names = "--model",
            paramLabel = "FILE",
            description =
                    "The gallery's model with its calibrated thresholds, or an ONNX model (.onnx) with them beside"
                            + " it.")
    @HelpSection(Heading.MODEL)
    private @Nullable Path model;

    @Option(names = "--input", paramLabel = "WHAT", description = "What pixels an ONNX model takes; see embed --help.")
    @HelpSection(Heading.MODEL)
    private @Nullable String input;

    @Option(
            names = "--threshold",
            paramLabel = "COSINE",
            description = "Estimate for this threshold. Default: for each threshold that the model was calibrated to."
                    + " Between two of them, the rate of the lower one is a bound.")
    @HelpSection(Heading.DECISION)
    private @Nullable Double cosine;

    @Option(names = "--json", description = "Print one line of JSON.")
    private boolean json;

    @Override
    public Integer call() {
        if (model == null && (cosine != null || input != null)) {
            throw new IllegalArgumentException(
                    "--model must be given with --threshold and --input, since the model has the measured rates");
        }
        if (cosine != null) { // before the model is loaded
            Threshold.of(cosine);
        }
        try (GalleryPlace place = gallery.place()) {
            GalleryInfo info = place.info();
            @Nullable List<Threshold> thresholds = model == null ? null : thresholds(model, info);
            try (Gallery people = place.read(info.fingerprint(), info.dimension())) {
                print(info, people.identityCount(), people.size(), thresholds);
            }
        }
        return 0;
    }

    /** Returns the thresholds of the gallery's mode that have evidence, or the one that bounds --threshold. */
    private List<Threshold> thresholds(Path file, GalleryInfo info) {
        List<Threshold> measured;
        try (LoadedModel loaded = ModelOptions.load(file, input)) {
            String fingerprint = loaded.embedder().fingerprint();
            if (!fingerprint.equals(info.fingerprint())) {
                throw new IllegalArgumentException("--model must be the gallery's, " + info.fingerprint() + ", but "
                        + file + " is " + fingerprint);
            }
            measured = loaded.embedder().allThresholds().stream()
                    .filter(threshold -> threshold.evidence().isPresent())
                    .filter(threshold -> info.embeddingMode() == null
                            || threshold
                                    .evidence()
                                    .orElseThrow()
                                    .mode()
                                    .toString()
                                    .equals(info.embeddingMode()))
                    .sorted(Comparator.comparingDouble(Threshold::cosine))
                    .toList();
        }
        if (cosine == null) {
            return measured;
        }
        double asked = Threshold.of(cosine).cosine();
        List<Threshold> below =
                measured.stream().filter(one -> one.cosine() <= asked).toList();
        return below.isEmpty() ? List.of() : below.subList(below.size() - 1, below.size());
    }

    private void print(GalleryInfo info, int identities, int entries, @Nullable List<Threshold> thresholds) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Map<String, @Nullable Object> all = new LinkedHashMap<>();
            all.put("model", info.fingerprint());
            all.put("dimension", info.dimension());
            all.put("embedding_mode", info.embeddingMode());
            all.put("identities", identities);
            all.put("entries", entries);
            all.put("false_alarms", thresholds == null ? null : figures(thresholds, identities, entries));
            out.println(Json.line(all));
            return;
        }
        out.println("model: " + info.fingerprint());
        out.println("values: " + info.dimension());
        out.println("embedding mode: " + (info.embeddingMode() == null ? "not recorded" : info.embeddingMode()));
        out.println("people: " + identities);
        out.println("entries: " + entries);
        if (thresholds == null) {
            out.println("false alarms: not estimated; give the model and its calibrated thresholds with --model");
        } else if (thresholds.isEmpty()) {
            out.println("false alarms: unknown, since the model has no "
                    + (cosine == null ? "threshold with evidence" : "threshold with evidence at or below " + cosine)
                    + " in the gallery's embedding mode; measure them with evaluate --calibrate");
        } else {
            for (Threshold threshold : thresholds) {
                FalsePositiveIdentification rate = rate(threshold, identities, entries);
                String at = EvaluationReport.text("threshold", threshold.cosine());
                out.println("at threshold "
                        + (cosine == null || cosine == threshold.cosine()
                                ? at
                                : cosine + ", which is stricter than the calibrated " + at
                                        + ", no more often than there")
                        + ": " + rate);
            }
            out.println(
                    "These are estimates: the rate is 1 - (1 - FMR)^entries, as if all comparisons were independent;"
                            + " the bound is entries times the bound of the FMR.");
        }
    }

    private List<Map<String, @Nullable Object>> figures(List<Threshold> thresholds, int identities, int entries) {
        List<Map<String, @Nullable Object>> all = new ArrayList<>();
        for (Threshold threshold : thresholds) {
            FalsePositiveIdentification rate = rate(threshold, identities, entries);
            Map<String, @Nullable Object> one = new LinkedHashMap<>();
            one.put("threshold", threshold.cosine());
            one.put("false_accept_rate", threshold.falseAcceptRate().orElseThrow());
            one.put("impostor_pairs", threshold.evidence().orElseThrow().impostorPairs());
            one.put("false_accepts", threshold.evidence().orElseThrow().falseAccepts());
            one.put("fpir", rate.rate());
            one.put("fpir_if_entries_agree", rate.rateIfEntriesAgree());
            one.put("fpir_upper_bound", rate.upperBound());
            one.put("once_in_probes", rate.rate() > 0 ? 1 / rate.rate() : null);
            all.add(one);
        }
        return all;
    }

    private static FalsePositiveIdentification rate(Threshold threshold, int identities, int entries) {
        Optional<FalsePositiveIdentification> rate = threshold.falsePositives(identities, entries);
        return rate.orElseThrow();
    }
}
