package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.ImageSource;
import org.facerecognition.vision.FaceDetector;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code embed}: computes the embeddings of images. */
@Command(
        name = "embed",
        description = {
            "Print the embeddings of face images.",
            "The images must be cropped as in the model's training; with --detector, one face of each photograph is"
                    + " embedded. An image that cannot be used is left out, and the exit code is 1."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class EmbedCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @Option(names = "--flip", description = "Add the embedding of each image's mirror image.")
    private boolean flip;

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Face images, or folders of images.")
    private List<Path> images;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        PrintWriter err = spec.commandLine().getErr();
        ImageFileNames.Given given = ImageFileNames.of(images);
        given.notes().forEach(err::println);
        List<Path> files = given.paths();
        List<String> embedded = new ArrayList<>();
        List<float[]> embeddings = new ArrayList<>(); // for JSON, which is printed at the end
        Map<String, String> leftOut = new LinkedHashMap<>();
        PrintWriter out = spec.commandLine().getOut();
        Optional<FaceDetector> faceDetector = detector.open(err);
        try (LoadedEmbedder loaded = model.loadToEmbed(faceDetector.orElse(null), face.choice(), flip);
                ImagesProgress progress = new ImagesProgress(err, "embedding", files.size())) {
            try (Stream<EmbeddedImage> results =
                    loaded.embedder().embedEach(files.stream().map(ImageSource::of))) {
                Iterator<EmbeddedImage> next = results.iterator();
                for (Path file : files) {
                    EmbeddedImage result = next.next();
                    if (result.problem().isPresent()) {
                        leftOut.put(file.toString(), result.problem().get().getMessage());
                    } else if (json) {
                        embedded.add(file.toString());
                        embeddings.add(result.embedding().orElseThrow());
                    } else {
                        out.println(GalleryCommand.printable(file) + "\t"
                                + Arrays.toString(result.embedding().orElseThrow()));
                        Main.requireWritten(out);
                    }
                    progress.step();
                }
            }
        } finally {
            faceDetector.ifPresent(FaceDetector::close);
        }
        leftOut.values().forEach(err::println);
        if (!leftOut.isEmpty() && files.size() > 1) {
            err.println(files.size() - leftOut.size() + " of " + files.size() + " images were embedded");
        }
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("images", embedded);
            result.put("embeddings", embeddings);
            given.leftOut().forEach(leftOut::putIfAbsent);
            result.put("left_out", leftOut);
            Json.print(out, result);
        }
        return given.complete() && leftOut.isEmpty() ? 0 : Main.FAILED;
    }
}
