package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.facerecognition.EmbeddedFace;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.Threshold;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageSource;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Match;
import org.facerecognition.gallery.Outcome;
import org.facerecognition.vision.DetectedFace;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gallery identify}: says who is in images. */
@Command(
        name = "identify",
        description = {
            "Identify who is in images.",
            "Identifies every face that --detector finds, or without it the one face that each image shows. A face that"
                    + " reaches the threshold with no enrolled person is unknown. A note on standard error says the"
                    + " threshold and how often a stranger is taken for an enrolled person. The exit code is 1 if an"
                    + " image or a folder cannot be used."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class GalleryIdentifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "Images, or folders of images.")
    private List<Path> images;

    @Mixin
    private GalleryCommand.PlaceOption gallery = new GalleryCommand.PlaceOption();

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @ArgGroup
    private ThresholdOptions thresholdOptions = new ThresholdOptions();

    @Option(names = "--top", paramLabel = "N", defaultValue = "1", description = "Most people to name per face.")
    @HelpSection(Heading.DECISION)
    private int top;

    @Option(names = "--no-flip", description = "Do not add the embedding of each image's mirror image.")
    @HelpSection(Heading.MODEL)
    private boolean noFlip;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    /**
     * A face and who it is.
     *
     * @param location empty without a detector
     */
    private record Face(Optional<DetectedFace> location, Outcome outcome) {}

    private final List<Map<String, @Nullable Object>> results = new ArrayList<>();
    private boolean failed;

    @Override
    public Integer call() {
        if (top < 1) { // before the model is loaded
            throw new IllegalArgumentException("--top must be at least 1, but was " + top);
        }
        thresholdOptions.requireInRange();
        PrintWriter err = spec.commandLine().getErr();
        ImageFileNames.Given given = ImageFileNames.of(images);
        given.notes().forEach(err::println);
        given.leftOut().forEach(this::fail);
        List<Path> files = given.paths();
        Optional<FaceDetector> faceDetector = detector.open(err);
        try (GalleryPlace place = gallery.place();
                LoadedEmbedder loaded = model.loadToEmbed(faceDetector.orElse(null), face.choice(), !noFlip);
                Gallery people = place.read(
                        loaded.embedder().fingerprint(), loaded.embedder().embeddingSize())) {
            FaceEmbedder embedder = loaded.embedder();
            people.bindEmbeddingMode(embedder.embeddingMode().toString());
            Threshold decision = thresholdOptions.of(embedder);
            double threshold = Math.min(Math.nextUp(1.0), decision.cosine());
            FalseAlarms.report(decision, embedder, people, err);
            boolean shown = json || !Terminal.isInteractive(); // a bar would mix with the lines of the results
            try (ImagesProgress progress = new ImagesProgress(err, "identifying", shown ? files.size() : 0)) {
                for (Path image : files) {
                    identify(image, embedder, people, threshold, faceDetector.orElse(null));
                    progress.step();
                }
            } finally { // what was identified is not lost because the database fails
                if (json) {
                    Map<String, @Nullable Object> all = new LinkedHashMap<>();
                    all.put("threshold", threshold);
                    OptionalDouble rate = decision.falseAcceptRate();
                    all.put("false_accept_rate", rate.isPresent() ? rate.getAsDouble() : null);
                    all.put("images", results);
                    Json.print(spec.commandLine().getOut(), all);
                }
            }
        } finally {
            faceDetector.ifPresent(FaceDetector::close);
        }
        return failed ? Main.FAILED : 0;
    }

    /** Records a folder that cannot be read, or a name that cannot be decoded. */
    private void fail(String what, String why) {
        failed = true;
        Map<String, @Nullable Object> result = result(what);
        result.put("error", why);
        results.add(result);
    }

    private static Map<String, @Nullable Object> result(String image) {
        Map<String, @Nullable Object> result = new LinkedHashMap<>();
        result.put("image", image);
        result.put("faces", null); // one of the two remains null
        result.put("error", null);
        return result;
    }

    private void identify(
            Path image, FaceEmbedder embedder, Gallery people, double threshold, @Nullable FaceDetector faceDetector) {
        Map<String, @Nullable Object> result = result(image.toString());
        try {
            List<Face> faces = faceDetector != null
                    ? identified(embedder.faces(ImageSource.of(image)), people, threshold)
                    : List.of(new Face(Optional.empty(), people.identify(embedder.embed(image), top, threshold)));
            result.put(
                    "faces", faces.stream().map(GalleryIdentifyCommand::figures).toList());
            if (!json) {
                print(image, faces);
            }
            if (faces.isEmpty() && faceDetector != null) {
                NoFace.explanation(image, faceDetector)
                        .ifPresent(spec.commandLine().getErr()::println);
            }
        } catch (DataException e) {
            failed = true;
            result.put("error", e.getMessage());
            spec.commandLine().getErr().println("error: " + e.getMessage());
        }
        results.add(result);
    }

    private List<Face> identified(List<EmbeddedFace> faces, Gallery people, double threshold) {
        List<Outcome> outcomes =
                people.identify(faces.stream().map(EmbeddedFace::embedding).toList(), top, threshold);
        List<Face> all = new ArrayList<>();
        for (int i = 0; i < faces.size(); i++) {
            all.add(new Face(Optional.of(faces.get(i).where()), outcomes.get(i)));
        }
        return all;
    }

    private void print(Path image, List<Face> faces) {
        PrintWriter out = spec.commandLine().getOut();
        if (faces.isEmpty()) {
            out.println(GalleryCommand.printable(image) + "\tno face");
        }
        for (Face face : faces) {
            String place = face.location()
                    .map(detected -> String.format(
                            Locale.ROOT,
                            "\t%.1f,%.1f %.1fx%.1f",
                            detected.box().x(),
                            detected.box().y(),
                            detected.box().width(),
                            detected.box().height()))
                    .orElse("");
            StringBuilder line = new StringBuilder(GalleryCommand.printable(image) + place);
            for (Match match : face.outcome().matches()) {
                line.append(String.format(
                        Locale.ROOT, "\t%s\t%.4f", GalleryCommand.printable(match.identity()), match.cosine()));
            }
            out.println(face.outcome().isKnown() ? line : line.append("\tunknown"));
        }
        Main.requireWritten(out);
    }

    private static Map<String, @Nullable Object> figures(Face face) {
        Map<String, @Nullable Object> figures = new LinkedHashMap<>();
        figures.put("box", face.location().map(DetectedFace::box).orElse(null));
        figures.put("known", face.outcome().isKnown());
        figures.put("matches", face.outcome().matches());
        figures.put(
                "nearest",
                face.outcome() instanceof Outcome.Unknown unknown
                        ? unknown.nearest().orElse(null)
                        : null);
        return figures;
    }
}
