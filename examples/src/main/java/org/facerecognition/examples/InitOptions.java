package org.facerecognition.examples;

import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.weights.RemoteFile;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsCache;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the weights that a training starts from; fetches those that are remote. */
@HelpSection(Heading.MODEL)
final class InitOptions {
    private static final String IMAGENET = "imagenet";
    private static final Pattern ADDRESS = Pattern.compile("[A-Za-z]{2,}:.*"); // one letter is a Windows drive

    @Option(
            names = "--init",
            paramLabel = "WHAT",
            description = "Start the encoder from trained weights: a file (.pth, .pt, .ckpt, .safetensors, a model of"
                    + " this program, an .onnx model of the encoder's structure, or a TorchScript archive of it);"
                    + " imagenet, which fetches"
                    + " torchvision's weights; or an https: or file: address of weights (not of an .onnx model)"
                    + " with --init-sha256.")
    private @Nullable String init;

    @Option(
            names = "--init-sha256",
            paramLabel = "HEX",
            description = "SHA-256 checksum of the file at the address of --init; its first 8 digits or more.")
    private @Nullable String sha256;

    @Option(
            names = "--init-license",
            paramLabel = "TEXT",
            description = "License of the weights at the address of --init; it is stored in the model.")
    private @Nullable String license;

    @Option(
            names = "--init-input",
            paramLabel = "WHAT",
            description = "What pixels an .onnx model of --init takes, if its file does not say it; as --input of"
                    + " evaluate.")
    private @Nullable String input;

    @Option(
            names = "--cache",
            paramLabel = "DIR",
            description = "Folder for fetched weights. Default: $FACE_RECOGNITION_CACHE or ~/.cache/face-recognition.")
    private @Nullable Path cache;

    /** Returns whether the training starts from the weights of another one. */
    boolean isGiven() {
        return init != null;
    }

    /**
     * Returns which options have no effect.
     *
     * @param given returns whether an option is on the command line
     */
    List<String> warnings(Predicate<String> given) {
        return given.test("--cache") && !isFetched()
                ? List.of("--cache has no effect: it is for weights that --init fetches, and "
                        + (init == null ? "there is none" : init + " is a file"))
                : List.of();
    }

    private boolean isFetched() {
        return init != null && (init.equals(IMAGENET) || ADDRESS.matcher(init).matches());
    }

    /**
     * Loads the weights into a recognizer, fetching them if necessary, and reports what was loaded.
     *
     * @param faces that it will be trained on
     */
    void apply(Recognizer recognizer, Encoder encoder, FaceDataset faces, PrintWriter err) {
        boolean isOnnx =
                init != null && !ADDRESS.matcher(init).matches() && ModelOptions.isOnnx(PathConverter.path(init));
        if (input != null && !isOnnx) {
            throw new IllegalArgumentException("--init-input must be given with an ONNX model as --init"
                    + (init == null ? "" : ", but that was " + init));
        }
        if ((sha256 != null || license != null)
                && (init == null || !ADDRESS.matcher(init).matches())) {
            throw new IllegalArgumentException((sha256 != null ? "--init-sha256" : "--init-license")
                    + " must go with an address as --init, from which weights are fetched"
                    + (init == null ? "" : ", but that was " + init)
                    + (sha256 != null ? "; check a file of yours with sha256sum" : "; --license is for the model"));
        }
        if (init == null) {
            return;
        }
        if (isOnnx) {
            InputContract contract = input == null ? null : InputContract.parse(input);
            try (OnnxModel model = OnnxModel.open(Path.of(init), contract)) {
                err.println("started from " + init + ": " + recognizer.startFrom(model, faces) + " tensors");
            }
            return;
        }
        Weights.Report report;
        try (FetchProgress progress = new FetchProgress(err)) {
            report = recognizer.startFrom(weights(init, encoder, progress), faces);
        }
        err.println("started from " + init + ": " + report.loaded() + " tensors"
                + (report.misshapen().isEmpty()
                        ? ""
                        : "; randomly initialized, because of another shape: " + report.misshapen())
                + (report.missing().isEmpty() ? "" : "; randomly initialized, because missing: " + report.missing())
                + (report.unexpected().isEmpty() ? "" : "; " + report.leftOver()));
    }

    private Weights weights(String from, Encoder encoder, FetchProgress progress) {
        if (from.equals(IMAGENET)) {
            return fetched(RemoteFile.imagenet(encoder.id()), progress);
        }
        if (!ADDRESS.matcher(from).matches()) {
            return Weights.read(Path.of(from));
        }
        if (sha256 == null) {
            throw new IllegalArgumentException(
                    "--init " + from + " must come with --init-sha256, the checksum of that file: fetched weights are"
                            + " not used unchecked");
        }
        String terms = license == null ? RemoteFile.UNKNOWN_LICENSE : license;
        return fetched(new RemoteFile(URI.create(from), sha256, terms), progress);
    }

    private Weights fetched(RemoteFile remote, FetchProgress progress) {
        WeightsCache kept = cache == null ? WeightsCache.standard() : new WeightsCache(cache);
        return Weights.read(kept.fetch(remote, progress));
    }
}
