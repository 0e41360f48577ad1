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
import picocli.CommandLine.Mixin;
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

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Pictures of faces.")
    private List<Path> images;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() {
        List<float[]> embeddings;
        try (Recognizer recognizer = model.load()) {
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
