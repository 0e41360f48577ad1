package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.Recognizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code embed}: pictures to embeddings. */
@Command(
        name = "embed",
        description = "Print the embeddings of pictures of faces, framed as the model was trained.",
        mixinStandardHelpOptions = true)
final class EmbedCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "FILE", description = "A model or a training's backup.")
    private Path model;

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Pictures of faces.")
    private List<Path> images;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        List<float[]> embeddings;
        try (Recognizer recognizer = Recognizer.load(model)) {
            embeddings = recognizer.embed(images);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("images", images.stream().map(Path::toString).toList());
            result.put("embeddings", embeddings);
            out.println(Json.line(result));
        } else {
            for (int i = 0; i < images.size(); i++) {
                out.println(images.get(i) + "\t" + Arrays.toString(embeddings.get(i)));
            }
        }
        return 0;
    }
}
