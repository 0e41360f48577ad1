package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.RemoteFile;
import org.facerecognition.weights.WeightsCache;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of what finds faces in photographs, for all commands that take photographs. */
final class DetectorOptions {
    private static final String FETCH = "fetch";

    @Option(
            names = "--detector",
            paramLabel = "FILE",
            description =
                    "Find the faces with this YuNet (face_detection_yunet_2023mar.onnx); or fetch, to fetch it from"
                            + " OpenCV's collection, checked, into the cache.")
    private @Nullable String detector;

    @Option(
            names = "--min-score",
            defaultValue = "0.7",
            description = "Least score of a face, 0 to 1. Default: ${DEFAULT-VALUE}.")
    private double minScore;

    @Option(
            names = "--min-face",
            defaultValue = "16",
            description =
                    "Leave out faces whose box has a shorter side than this, in pixels. Default: ${DEFAULT-VALUE}.")
    private int minFacePx;

    @Option(
            names = "--max-side",
            defaultValue = "640",
            description = "Shrink larger images to this many pixels before looking for faces; raise it for crowds."
                    + " Default: ${DEFAULT-VALUE}.")
    private int maxSidePx;

    @Option(
            names = "--detector-cache",
            paramLabel = "DIR",
            description =
                    "Where a fetched detector is kept. Default: $FACE_RECOGNITION_CACHE or ~/.cache/face-recognition.")
    private @Nullable Path cache;

    /** The file's name without its folder, for reports; empty when no detector is asked for. */
    Optional<String> name() {
        return Optional.ofNullable(detector)
                .map(which -> which.equals(FETCH)
                        ? RemoteFile.faceDetector().address().getPath()
                        : which)
                .map(DetectorOptions::fileName);
    }

    private static String fileName(String which) {
        Path name = Path.of(which).getFileName();
        return name == null ? which : name.toString();
    }

    /** The detector, when one is asked for; to be closed. */
    Optional<FaceDetector> open(PrintWriter err) {
        return detector == null ? Optional.empty() : Optional.of(open(detector, err));
    }

    /** The detector, which must be asked for; to be closed. */
    FaceDetector openRequired(PrintWriter err) {
        if (detector == null) {
            throw new IllegalArgumentException("--detector must be given: YuNet's .onnx file, or fetch");
        }
        return open(detector, err);
    }

    private FaceDetector open(String which, PrintWriter err) {
        FaceDetector.Settings settings = FaceDetector.Settings.DEFAULT
                .withScoreThreshold(minScore)
                .withSmallestFacePx(minFacePx)
                .withLargestSidePx(maxSidePx);
        if (!which.equals(FETCH)) {
            return FaceDetector.open(Path.of(which), settings);
        }
        WeightsCache kept = cache == null ? WeightsCache.standard() : new WeightsCache(cache);
        try (FetchProgress progress = new FetchProgress(err)) {
            return FaceDetector.open(kept.fetch(RemoteFile.faceDetector(), progress), settings);
        }
    }
}
