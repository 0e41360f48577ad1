package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.RemoteFile;
import org.facerecognition.weights.WeightsCache;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** Options of the face detector, for all commands that take photographs. */
@HelpSection(Heading.DETECTION)
final class DetectorOptions {
    private static final String FETCH = "fetch";
    private static final int DEFAULT_MIN_FACE_PX = 16;
    private static final int DEFAULT_MAX_SIDE_PX = 640;
    private static final List<String> SETTINGS =
            List.of("--min-score", "--min-face", "--max-side", "--rotations", "--tiles", "--face", "--detector-cache");

    @Option(
            names = "--detector",
            paramLabel = "FILE",
            description =
                    "Detect faces with this model: YuNet (face_detection_yunet_2023mar.onnx), or an SCRFD with five"
                            + " landmarks (such as scrfd_500m_bnkps.onnx); or fetch, which downloads YuNet from"
                            + " OpenCV's model zoo into the cache and checks it.")
    private @Nullable String detector;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--min-score",
            paramLabel = "SCORE",
            description = "Minimum detection score of a face, 0 to 1. Default: 0.7 with YuNet, 0.5 with SCRFD.")
    private @Nullable Double minScore;

    @Option(
            names = "--min-face",
            paramLabel = "PX",
            defaultValue = "" + DEFAULT_MIN_FACE_PX,
            description = "Ignore faces whose box has a side shorter than this, in pixels.")
    private int minFacePx;

    @Option(
            names = "--max-side",
            paramLabel = "PX",
            defaultValue = "" + DEFAULT_MAX_SIDE_PX,
            description = "Shrink larger images so that their longer side has this many pixels before detection; raise"
                    + " it for crowds.")
    private int maxSidePx;

    @Option(
            names = "--rotations",
            description = "Also look for faces in the image turned by 90, 180 and 270 degrees, if the upright one"
                    + " gives no clear face; for photographs that lie on their side or upside down.")
    private boolean rotations;

    @Option(
            names = "--tiles",
            description = "Also examine images larger than --max-side in overlapping tiles, without shrinking them; for"
                    + " small faces in large group photographs.")
    private boolean tiles;

    @Option(
            names = "--detector-cache",
            paramLabel = "DIR",
            description =
                    "Folder for a fetched detector. Default: $FACE_RECOGNITION_CACHE or ~/.cache/face-recognition.")
    private @Nullable Path cache;

    /** Returns the file's name without its folder, for reports; empty without --detector. */
    Optional<String> name() {
        return Optional.ofNullable(detector)
                .map(which -> which.equals(FETCH)
                        ? RemoteFile.faceDetector().address().getPath()
                        : which)
                .map(DetectorOptions::fileName);
    }

    /** Returns the detector's file; null if none is given, or it is to be fetched. */
    @Nullable
    Path file() {
        return detector == null || detector.equals(FETCH) ? null : PathConverter.path(detector);
    }

    private static String fileName(String which) {
        Path name = Path.of(which).getFileName();
        return name == null ? which : name.toString();
    }

    /** Opens the detector; empty without --detector. The result is owned. */
    Optional<FaceDetector> open(PrintWriter err) {
        if (detector == null) {
            requireDefaults();
            return Optional.empty();
        }
        return Optional.of(open(detector, err));
    }

    /** Rejects settings of a detector that there is none of: images would be embedded whole. */
    private void requireDefaults() {
        ParseResult given = command.commandLine().getParseResult();
        SETTINGS.stream().filter(given::hasMatchedOption).findFirst().ifPresent(option -> {
            throw new IllegalArgumentException(option + " must be given with --detector");
        });
    }

    /**
     * Opens the detector.
     *
     * @return owned
     * @throws IllegalArgumentException without --detector
     */
    FaceDetector openRequired(PrintWriter err) {
        if (detector == null) {
            throw new IllegalArgumentException("--detector must be given: YuNet's or SCRFD's .onnx file, or fetch");
        }
        return open(detector, err);
    }

    private FaceDetector open(String which, PrintWriter err) {
        if (!which.equals(FETCH)) {
            if (cache != null) {
                throw new IllegalArgumentException(
                        "--detector-cache must be given with --detector fetch, but was given with a file");
            }
            return FaceDetector.open(PathConverter.path(which), this::settings);
        }
        WeightsCache kept = cache == null ? WeightsCache.standard() : new WeightsCache(cache);
        try (FetchProgress progress = new FetchProgress(err)) {
            return FaceDetector.open(kept.fetch(RemoteFile.faceDetector(), progress), this::settings);
        }
    }

    private FaceDetector.Settings settings(FaceDetector.Settings defaults) {
        return defaults.withScoreThreshold(minScore == null ? defaults.scoreThreshold() : minScore)
                .withSmallestFacePx(minFacePx)
                .withLargestSidePx(maxSidePx)
                .withRotations(rotations)
                .withTiles(tiles);
    }
}
