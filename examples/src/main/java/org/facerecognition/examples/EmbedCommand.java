package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.facerecognition.Recognizer;
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
                    + " embedded."
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
        ImageFileNames.Given given = ImageFileNames.of(images);
        given.notes().forEach(spec.commandLine().getErr()::println);
        List<Path> files = given.paths();
        List<float[]> embeddings;
        Optional<FaceDetector> faceDetector = detector.open(spec.commandLine().getErr());
        try (Recognizer recognizer = model.load()) {
            faceDetector.ifPresent(opened -> recognizer.useDetector(opened, face.choice()));
            recognizer.useFlip(flip);
            embeddings = recognizer.embed(files);
        } finally {
            faceDetector.ifPresent(FaceDetector::close);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("images", files.stream().map(Path::toString).toList());
            result.put("embeddings", embeddings);
            out.println(Json.line(result));
        } else {
            for (int i = 0; i < files.size(); i++) {
                out.println(files.get(i) + "\t" + Arrays.toString(embeddings.get(i)));
            }
        }
        return 0;
    }
}
