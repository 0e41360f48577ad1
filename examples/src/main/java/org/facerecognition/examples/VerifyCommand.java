package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.facerecognition.Recognizer;
import org.facerecognition.VerificationResult;
import org.facerecognition.data.ImageSource;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code verify}: do two images show the same person? */
@Command(
        name = "verify",
        description = "Tell whether two images show the same person. Exit code 0 whatever the answer is.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class VerifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "A", description = "An image.")
    private Path first;

    @Parameters(index = "1", paramLabel = "B", description = "Another.")
    private Path second;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @ArgGroup
    private ThresholdOptions bound = new ThresholdOptions();

    @Option(names = "--no-flip", description = "Embed each image as it is only, not its mirror image too.")
    private boolean noFlip;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        VerificationResult verdict;
        Optional<FaceDetector> finder = detector.open(spec.commandLine().getErr());
        try (Recognizer recognizer = model.load()) {
            finder.ifPresent(found -> recognizer.useDetector(found, face.choice()));
            recognizer.useFlip(!noFlip);
            verdict = recognizer.verify(ImageSource.of(first), ImageSource.of(second), bound.of(recognizer));
        } finally {
            finder.ifPresent(FaceDetector::close);
        }
        spec.commandLine().getOut().println(json ? line(verdict) : sentence(verdict));
        return 0;
    }

    private static String sentence(VerificationResult verdict) {
        String rate = verdict.falseAcceptRate().isPresent()
                ? ", at a false accept rate of " + verdict.falseAcceptRate().getAsDouble()
                : "";
        return String.format(
                Locale.ROOT,
                "%s: cosine %.4f, same from %.4f on%s",
                verdict.same() ? "the same person" : "different people",
                verdict.cosine(),
                verdict.threshold(),
                rate);
    }

    private static String line(VerificationResult verdict) {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("same", verdict.same());
        figures.put("cosine", verdict.cosine());
        figures.put("threshold", verdict.threshold());
        figures.put(
                "false_accept_rate",
                verdict.falseAcceptRate().isPresent()
                        ? verdict.falseAcceptRate().getAsDouble()
                        : null);
        return Json.line(figures);
    }
}
