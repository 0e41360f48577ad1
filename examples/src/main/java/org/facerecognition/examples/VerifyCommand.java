package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.Threshold;
import org.facerecognition.VerificationResult;
import org.facerecognition.data.ImageSource;
import org.facerecognition.eval.EvaluationReport;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code verify}: decides whether two images show the same person. */
@Command(
        name = "verify",
        description = {
            "Decide whether two images show the same person.",
            "Without --detector, the images must be cropped as in the model's training: photographs would be compared"
                    + " as a whole, and a calibrated false accept rate does not hold for them. The exit code is 0 for"
                    + " either answer."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class VerifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "A", description = "The first image.")
    private Path first;

    @Parameters(index = "1", paramLabel = "B", description = "The second image.")
    private Path second;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @ArgGroup
    private ThresholdOptions threshold = new ThresholdOptions();

    @Option(names = "--no-flip", description = "Do not add the embedding of each image's mirror image.")
    @HelpSection(Heading.MODEL)
    private boolean noFlip;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        threshold.requireInRange();
        Threshold decision;
        VerificationResult result;
        Optional<FaceDetector> faceDetector = detector.open(spec.commandLine().getErr());
        try (LoadedEmbedder loaded = model.loadToEmbed(faceDetector.orElse(null), face.choice(), !noFlip)) {
            FaceEmbedder embedder = loaded.embedder();
            decision = threshold.of(embedder);
            result = embedder.verify(ImageSource.of(first), ImageSource.of(second), decision);
        } finally {
            faceDetector.ifPresent(FaceDetector::close);
        }
        spec.commandLine().getOut().println(json ? line(result, decision) : sentence(result, decision));
        return 0;
    }

    private static String sentence(VerificationResult result, Threshold decision) {
        String rate = result.falseAcceptRate().isPresent()
                ? ", false accept rate " + result.falseAcceptRate().getAsDouble()
                : "";
        String bound = decision.evidence()
                .map(evidence ->
                        String.format(Locale.ROOT, " (at most %.2g on other people, 95 %%)", evidence.upperBound()))
                .orElse("");
        return String.format(
                Locale.ROOT,
                "%s: cosine %.4f, threshold %s%s%s",
                result.same() ? "the same person" : "different people",
                result.cosine(),
                EvaluationReport.text("threshold", result.threshold()),
                rate,
                bound);
    }

    private static String line(VerificationResult result, Threshold decision) {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("same", result.same());
        figures.put("cosine", result.cosine());
        figures.put("threshold", result.threshold());
        figures.put(
                "false_accept_rate",
                result.falseAcceptRate().isPresent() ? result.falseAcceptRate().getAsDouble() : null);
        figures.put(
                "upper_bound",
                decision.evidence().isPresent() ? decision.evidence().get().upperBound() : null);
        return Json.line(figures);
    }
}
