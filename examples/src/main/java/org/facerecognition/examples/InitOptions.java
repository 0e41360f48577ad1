package org.facerecognition.examples;

import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.weights.RemoteFile;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsCache;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of what a training starts from. */
final class InitOptions {
    private static final Pattern ADDRESS = Pattern.compile("[A-Za-z]{2,}:.*"); // one letter is a Windows drive

    @Option(
            names = "--init",
            paramLabel = "WHAT",
            description =
                    "Start the encoder from trained weights: a file (.pth, .pt, .safetensors, or a model of ours);"
                            + " imagenet, to fetch torchvision's; or an https: or file: address with --init-sha256.")
    private @Nullable String init;

    @Option(
            names = "--init-sha256",
            paramLabel = "HEX",
            description = "Of the bytes at that address; 8 digits or more of it.")
    private @Nullable String sha256;

    @Option(
            names = "--init-licence",
            paramLabel = "TEXT",
            description = "Under which the weights at that address may be used; kept in the model.")
    private @Nullable String license;

    @Option(
            names = "--cache",
            paramLabel = "DIR",
            description =
                    "Where fetched weights are kept. Default: $FACE_RECOGNITION_CACHE or ~/.cache/face-recognition.")
    private @Nullable Path cache;

    /** Fetches what has to be fetched, and tells what was taken over. */
    void apply(Recognizer recognizer, Encoder encoder, PrintWriter err) {
        if (init == null) {
            return;
        }
        Weights.Report report;
        try (FetchProgress progress = new FetchProgress(err)) {
            report = recognizer.startFrom(weights(init, encoder, progress));
        }
        err.println("started from " + init + ": " + report.loaded() + " tensors"
                + (report.misshapen().isEmpty() ? "" : "; drawn anew: " + report.misshapen())
                + (report.missing().isEmpty() ? "" : "; not in it, drawn anew: " + report.missing()));
    }

    private Weights weights(String from, Encoder encoder, FetchProgress progress) {
        if (from.equals("imagenet")) {
            return fetched(RemoteFile.imagenet(encoder.id()), progress);
        }
        if (!ADDRESS.matcher(from).matches()) {
            return read(Path.of(from));
        }
        if (sha256 == null) {
            throw new IllegalArgumentException(
                    "--init " + from + " must come with --init-sha256, the checksum of what is"
                            + " there: weights from afar are not used unchecked");
        }
        String terms = license == null ? RemoteFile.UNKNOWN_LICENSE : license;
        return fetched(new RemoteFile(URI.create(from), sha256, terms), progress);
    }

    private Weights fetched(RemoteFile remote, FetchProgress progress) {
        WeightsCache kept = cache == null ? WeightsCache.standard() : new WeightsCache(cache);
        return read(kept.fetch(remote, progress));
    }

    private static Weights read(Path file) {
        try {
            return Weights.read(file);
        } catch (WeightsException e) {
            ModelFile.requireWeights(file, e);
            throw e;
        }
    }
}
