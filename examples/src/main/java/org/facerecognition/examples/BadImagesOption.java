package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.eval.VerificationSet;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.natives.ParallelStreams;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Option of what to do about images that cannot be used, for commands that embed each image of their data once. */
@HelpSection(Heading.DATA)
final class BadImagesOption {
    @Option(
            names = "--bad-images",
            paramLabel = "WHAT",
            defaultValue = "fail",
            description = "What to do about an image that cannot be used: fail; or skip, which reads all images once"
                    + " before they are embedded, and leaves out those that cannot be used and reports them.")
    private BadImages badImages;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    private final Set<String> reported = new HashSet<>();

    /**
     * Returns the faces without those to be skipped.
     *
     * @param sizePx side of the network's input; 0 if the images are to be read whole
     * @throws DataException when none is left
     */
    FaceDataset usable(FaceDataset faces, int sizePx) {
        Set<Integer> skipped = skipped(faces, sizePx);
        return skipped.isEmpty() ? faces : faces.without(skipped);
    }

    /** Returns the pairs without those that have a face to be skipped; see {@link #usable(FaceDataset, int)}. */
    VerificationSet usable(VerificationSet set, int sizePx) {
        Set<Integer> skipped = skipped(set.faces(), sizePx);
        return skipped.isEmpty() ? set : set.without(skipped);
    }

    private Set<Integer> skipped(FaceDataset faces, int sizePx) {
        if (badImages == BadImages.FAIL) {
            return Set.of();
        }
        Map<Integer, String> reasons = new ConcurrentSkipListMap<>();
        PrintWriter err = command.commandLine().getErr();
        try (ImagesProgress progress = new ImagesProgress(err, "checking", faces.size())) {
            ParallelStreams.forEach(0, faces.size(), i -> {
                try (Mat face = sizePx == 0 ? faces.sample(i).image().read() : faces.readCropped(i, sizePx)) {
                    progress.step();
                } catch (DataException e) {
                    reasons.put(i, e.getMessage());
                }
            });
        }
        reasons.values().stream().filter(reported::add).forEach(reason -> err.println("skipped: " + reason));
        return reasons.keySet();
    }
}
