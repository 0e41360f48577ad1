package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import picocli.CommandLine;

/**
 * The output of each command with {@code --json}: one line, with the names, order and types of a golden file, and valid
 * against the command's schema. {@code -Dtests.writeGolden=true} rewrites the golden files.
 */
class JsonOutputTest {
    private static final Path GOLDEN = Path.of("src/test/resources/org/facerecognition/examples/golden");
    private static final boolean WRITE = Boolean.getBoolean("tests.writeGolden");
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /** The encoder with the smallest checkpoints, because this test writes and reads many. */
    private static final Object[] SMALL = {
        "--encoder", "mobilefacenet", "--image-size", 112, "--epochs", 1, "--augmentations", "none"
    };

    /** Commands of this test, by the names of their golden files: schema, a slash and what is special. */
    static final List<String> CASES = List.of(
            "train",
            "train/unseen",
            "demo",
            "augment",
            "pack",
            "export",
            "quantize",
            "detect",
            "align",
            "embed",
            "verify",
            "verify/calibrated",
            "find-label-noise",
            "gallery-enroll",
            "gallery-enroll/left-out",
            "gallery-identify",
            "gallery-identify/unknown",
            "gallery-identify/calibrated",
            "gallery-list",
            "gallery-list/entries",
            "gallery-info",
            "gallery-info/calibrated",
            "gallery-export",
            "gallery-import",
            "gallery-copy",
            "gallery-reembed",
            "gallery-remove",
            "gallery-compact",
            "evaluate/closed-set",
            "evaluate/closed-set-test",
            "evaluate/open-set",
            "evaluate/all-pairs",
            "evaluate/calibrated",
            "evaluate/detector",
            "evaluate/lfw",
            "evaluate/pairs",
            "evaluate/pairs-few",
            "evaluate/bin",
            "evaluate/view1",
            "evaluate/celeba-ir",
            "evaluate/celeba-ir-few");

    @TempDir
    private static Path root;

    private static CliData data;
    private static Path model;
    private static Path calibrated;
    private static Path photo;
    private static Path noFace;
    private static Path lfw;

    @BeforeAll
    static void makeData() throws IOException {
        data = new CliData(root);
        List<Object> words = Cli.trainWords(data.faces(), root.resolve("model"), SMALL);
        words.set(words.indexOf("--epochs") + 1, 8); // after one step, all embeddings have a cosine of 1 or nearly so
        Cli.Result trained = Cli.run(words.toArray());
        assertThat(trained.code()).as(trained.err()).isZero();
        model = root.resolve("model/last.ckpt");
        photo = data.photograph("photos/Ann/1.png", true, 320, 240);
        noFace = data.photograph("photos/Ann/2.png", false, 320, 240);
        lfw = data.lfw();
        calibrated = root.resolve("calibrated.model");
        Object[] apart = {"--encoder", "resnet18", "--max-steps", 1}; // tells people apart without training
        assertThat(Cli.train(data.faces(), root.resolve("apart"), apart).code()).isZero();
        Cli.faces(root.resolve("thirty"), 30, 2);
        Cli.Result found = Cli.run(with(new Object[] {"evaluate"}, calibrate(calibrated)));
        assertThat(found.code()).as(found.err()).isZero();
    }

    private static Object[] calibrate(Path to) {
        return with(
                new Object[] {"--protocol", "all-pairs", "--model", root.resolve("apart/last.ckpt")},
                "--data",
                root.resolve("thirty"),
                "--namesakes",
                "--calibrate",
                to);
    }

    private static Cli.Result run(String name) throws IOException {
        String command = name.split("/")[0]; // such as gallery-list or find-label-noise
        List<Object> words =
                new ArrayList<>(List.of(command.startsWith("gallery-") ? command.split("-") : new String[] {command}));
        words.add("--json");
        words.addAll(Arrays.asList(options(name)));
        return Cli.run(words.toArray());
    }

    private static Object[] options(String name) throws IOException {
        Object gallery = root.resolve("people.gallery");
        return switch (name) {
            case "train" -> trainOptions("plain");
            case "train/unseen" -> with(trainOptions("unseen"), "--verify-on-unseen", 0.5);
            case "demo" -> new Object[] {"--people", 2, "--epochs", 1, "--out", root.resolve("demo")};
            case "augment" -> new Object[] {"--data", data.faces(), "--images", 1, "--out", root.resolve("sheet.png")};
            case "pack" -> new Object[] {"--data", data.faces(), "--out", root.resolve("faces.pack")};
            case "export" ->
                new Object[] {"--model", model, "--format", "safetensors", "--out", root.resolve("out.safetensors")};
            case "quantize" ->
                new Object[] {"--model", model, "--faces", 16, "--out", root.resolve("int8.safetensors"), data.faces()};
            case "detect" -> new Object[] {"--detector", CliData.DETECTOR, photo, noFace};
            case "align" ->
                new Object[] {"--detector", CliData.DETECTOR, photo, noFace, "--out", root.resolve("crops")};
            case "embed" -> new Object[] {"--model", model, photo};
            case "verify" -> new Object[] {"--model", model, photo, noFace, "--threshold", 0.5};
            case "verify/calibrated" -> new Object[] {"--model", calibrated, photo, noFace, "--far", 0.01};
            case "find-label-noise" -> new Object[] {"--model", model, "--data", data.faces(), "--degrees", 0};
            case "gallery-enroll" ->
                new Object[] {"--model", model, "--gallery", gallery, "--detector", CliData.DETECTOR, "Ann", photo};
            case "gallery-enroll/left-out" ->
                new Object[] {"--model", model, "--gallery", gallery, "--detector", CliData.DETECTOR, "Ann", noFace};
            case "gallery-identify" -> with(identify(gallery, -1), "--detector", CliData.DETECTOR, photo, noFace);
            case "gallery-identify/unknown" -> with(identify(crops(model), 1), noFace, root.resolve("no.png"));
            case "gallery-identify/calibrated" -> {
                Object[] words = {"--model", calibrated, "--gallery", crops(calibrated), "--far", 0.01};
                yield with(words, data.faces().resolve("person1/1.png"));
            }
            case "gallery-list" -> new Object[] {"--gallery", gallery};
            case "gallery-list/entries" -> new Object[] {"--gallery", gallery, "--entries"};
            case "gallery-info" -> new Object[] {"--gallery", gallery, "--model", model};
            case "gallery-info/calibrated" -> new Object[] {"--gallery", crops(calibrated), "--model", calibrated};
            case "gallery-export" -> new Object[] {"--gallery", gallery, "--out", root.resolve("exported")};
            case "gallery-import" -> new Object[] {"--gallery", root.resolve("in.gallery"), "--from", exported()};
            case "gallery-copy" -> new Object[] {"--from", gallery, "--to", root.resolve("copy.gallery")};
            case "gallery-reembed" -> {
                Path to = root.resolve("new.gallery");
                yield new Object[] {"--gallery", gallery, "--to", to, "--model", model, "--detector", CliData.DETECTOR};
            }
            case "gallery-compact" -> new Object[] {"--gallery", gallery};
            case "gallery-remove" -> new Object[] {"--gallery", gallery, "Ann"};
            default -> evaluateOptions(name.substring("evaluate/".length()));
        };
    }

    private static Object[] trainOptions(String out) {
        List<Object> words = Cli.trainWords(data.faces(), root.resolve(out), SMALL);
        words.removeAll(List.of("train", "--json"));
        return words.toArray();
    }

    private static Object[] identify(Object gallery, double threshold) {
        return new Object[] {"--model", model, "--gallery", gallery, "--threshold", threshold};
    }

    /** Creates a gallery of crops, which are embedded without a detector. */
    private static Path crops(Path of) {
        Path file = root.resolve(of.getFileName() + ".gallery");
        Cli.Result enrolled = Cli.run(
                "gallery",
                "enroll",
                "--model",
                of,
                "--gallery",
                file,
                "Bea",
                data.faces().resolve("person1/0.png"));
        assertThat(enrolled.code()).as(enrolled.err()).isZero();
        return file;
    }

    private static Path exported() {
        Path folder = root.resolve("exported-for-import");
        assertThat(Cli.run("gallery", "export", "--gallery", crops(model), "--out", folder)
                        .code())
                .isZero();
        return folder;
    }

    private static Object[] evaluateOptions(String name) throws IOException {
        Object[] words = {"--model", model, "--protocol", name};
        return switch (name) {
            case "closed-set", "open-set", "all-pairs" -> with(words, "--data", data.faces());
            case "calibrated" -> calibrate(root.resolve("again.model"));
            case "closed-set-test" -> with(protocol("closed-set"), "--data", data.faces(), "--test-fraction", 0.2);
            case "detector" -> with(protocol("all-pairs"), "--data", data.faces(), "--detector", CliData.DETECTOR);
            case "pairs" -> with(words, "--data", data.faces(), "--pairs", data.pairs("pairs.tsv", 10, 10));
            case "pairs-few" -> with(protocol("pairs"), "--data", data.faces(), "--pairs", data.pairs("few.tsv", 2, 2));
            case "bin" ->
                with(
                        words,
                        "--data",
                        data.bin(Collections.nCopies(6, List.of(true, false)).stream()
                                .flatMap(List::stream)
                                .toList()));
            case "lfw", "view1" -> with(words, "--data", lfw);
            case "celeba-ir" -> with(words, "--data", data.celebaIr(16));
            case "celeba-ir-few" -> with(protocol("celeba-ir"), "--data", new CliData(root.resolve("few")).celebaIr(3));
            default -> throw new IllegalStateException(name);
        };
    }

    private static Object[] protocol(String name) {
        return new Object[] {"--model", model, "--protocol", name};
    }

    private static Object[] with(Object[] words, Object... more) {
        Object[] all = Arrays.copyOf(words, words.length + more.length);
        System.arraycopy(more, 0, all, words.length, more.length);
        return all;
    }

    @ParameterizedTest
    @FieldSource("CASES")
    void matchesTheGoldenFileAndTheSchema(String name) throws IOException {
        Cli.Result result = run(name);
        boolean someFailed = name.equals("gallery-enroll/left-out") || name.equals("gallery-identify/unknown");
        assertThat(result.code()).as(result.err()).isEqualTo(someFailed ? 1 : 0);
        assertThat(result.out().lines()).as("standard output of " + name).hasSize(1);

        String masked = JSON.writeValueAsString(masked(result.json())) + "\n";
        Path golden = GOLDEN.resolve(name.replace('/', '.') + ".json");
        if (WRITE) {
            Files.createDirectories(golden.getParent());
            Files.writeString(golden, masked);
        }
        assertThat(masked).isEqualTo(Files.readString(golden));

        var schema = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(SchemaCommand.read(name.split("/")[0]));
        assertThat(schema.validate(result.out(), InputFormat.JSON))
                .as("against the schema of " + name)
                .isEmpty();
    }

    /** Replaces values by their types and keeps one array element of each shape; the names stay. */
    private static JsonNode masked(JsonNode node) {
        if (node.isObject()) {
            ObjectNode object = JSON.createObjectNode();
            node.properties()
                    .forEach(field -> object.set(
                            field.getKey().contains("/") ? "(file)" : field.getKey(), masked(field.getValue())));
            return object;
        }
        if (node.isArray()) {
            Set<JsonNode> shapes = new LinkedHashSet<>();
            node.forEach(element -> shapes.add(masked(element)));
            ArrayNode array = JSON.createArrayNode();
            shapes.forEach(array::add);
            return array;
        }
        String type =
                node.isIntegralNumber() ? "integer" : node.getNodeType().name().toLowerCase(Locale.ROOT);
        return JSON.getNodeFactory().textNode(type);
    }

    @Test
    void everyCommandWithJsonHasASchemaAndACase() {
        PrintWriter quiet = new PrintWriter(Writer.nullWriter());
        List<String> withJson = new ArrayList<>();
        collect(Main.commandLine(new Main(), quiet, quiet), "", withJson);
        assertThat(withJson).containsExactlyInAnyOrderElementsOf(SchemaCommand.NAMES);
        Set<String> shown = new LinkedHashSet<>();
        CASES.forEach(name -> shown.add(name.split("/")[0]));
        assertThat(shown).containsExactlyInAnyOrderElementsOf(SchemaCommand.NAMES);
    }

    private static void collect(CommandLine command, String prefix, List<String> withJson) {
        command.getSubcommands().forEach((name, below) -> {
            if (!name.equals(below.getCommandName())) {
                return; // an alias
            }
            if (below.getCommandSpec().findOption("--json") != null) {
                withJson.add(prefix + name);
            }
            collect(below, name + "-", withJson);
        });
    }

    @Test
    void schemaCommandPrintsSchemas() {
        assertThat(Cli.run("schema").out().lines()).contains("evaluate", "gallery-list");
        assertThat(Cli.run("schema", "gallery", "list").out()).isEqualTo(SchemaCommand.read("gallery-list"));
        Cli.Result unknown = Cli.run("schema", "serve");
        assertThat(unknown.code()).isEqualTo(2);
        assertThat(unknown.err()).contains("command must be one of demo, train", "but was serve");
    }
}
