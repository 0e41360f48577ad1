package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Threshold;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.examples.web.Photos;
import org.facerecognition.gallery.DatabaseGallery;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.SearchMethod;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** {@code gallery info}, {@code export}, {@code import}, {@code copy} and {@code reembed}, on images that are crops. */
class GalleryTransferCommandTest {
    private static final Path PGLITE = Path.of("../core/src/test/pglite");
    private static final int PEOPLE = 27;

    @TempDir
    private static Path models;

    private static Path model;
    private static Path other;

    @TempDir
    Path folder;

    private Path file;
    private Path photos;

    @BeforeAll
    static void makeModels() {
        model = models.resolve("one.model");
        other = models.resolve("other.model");
        Path people = Cli.faces(models.resolve("people"), PEOPLE, 2);
        for (Path path : List.of(model, other)) {
            try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                    .encoder(Encoder.RESNET18)
                    .embeddingSize(16)
                    .imageSizePx(32)
                    .classes(2)
                    .seed(path.equals(model) ? 1 : 2)
                    .build())) {
                recognizer.useFlip(true);
                if (path.equals(model)) {
                    List<Threshold> found = recognizer.calibrate(
                            FaceDataset.folders(people, Split.TRAIN, 0, 0, 0), CalibrationSettings.DEFAULT);
                    assertThat(found).isNotEmpty();
                }
                recognizer.save(path);
            }
        }
    }

    @BeforeEach
    void enroll() {
        file = folder.resolve("people.gallery");
        photos = Cli.faces(folder.resolve("photos"), 3, 2);
        Cli.Result enrolled = Cli.run("gallery", "enroll", "--gallery", file, "--model", model, "--folder", photos);
        assertThat(enrolled.code()).as(enrolled.err()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"info", "export", "import", "copy", "reembed"})
    void everyCommandHasHelp(String command) {
        assertThat(Cli.run("gallery", command, "--help").out())
                .startsWith("Usage: face-recognition gallery " + command);
    }

    private static List<String> lines(Path gallery) {
        GalleryInfo info = Gallery.info(gallery);
        try (Gallery open = Gallery.openReadOnly(gallery, info.fingerprint(), info.dimension(), SearchMethod.EXACT)) {
            return open.page(0, 100).stream()
                    .map(one -> one.entry().identity()
                            + one.entry().note()
                            + one.entry().contentKey()
                            + List.of(one.embedding()[0], one.embedding()[15]))
                    .toList();
        }
    }

    // ---- info ----

    @Test
    void infoEstimatesFalseAlarms() {
        Cli.Result bare = Cli.run("gallery", "info", "--gallery", file);
        assertThat(bare.code()).as(bare.err()).isZero();
        assertThat(bare.out())
                .contains("people: 3", "entries: 6", "values: 16")
                .contains("false alarms: not estimated; give the model and its calibrated thresholds with --model");
        assertThat(Cli.run("gallery", "info", "--gallery", file, "--json")
                        .json()
                        .get("false_alarms")
                        .isNull())
                .isTrue();

        Cli.Result lines = Cli.run("gallery", "info", "--gallery", file, "--model", model);
        assertThat(lines.out())
                .contains("at threshold ", ": a stranger is taken for an enrolled person ", "once in ", "95 %")
                .contains("These are estimates");
        JsonNode figures = Cli.run("gallery", "info", "--gallery", file, "--model", model, "--json")
                .json()
                .get("false_alarms")
                .get(0);
        double fmr = figures.get("false_accepts").asDouble()
                / figures.get("impostor_pairs").asDouble();
        assertThat(figures.get("fpir").asDouble()).isEqualTo(-Math.expm1(6 * Math.log1p(-fmr)));
        assertThat(figures.get("fpir_if_entries_agree").asDouble())
                .isLessThanOrEqualTo(figures.get("fpir").asDouble());
        assertThat(figures.get("fpir_upper_bound").asDouble())
                .isGreaterThan(figures.get("fpir").asDouble());

        double calibrated = figures.get("threshold").asDouble();
        Cli.Result stricter =
                Cli.run("gallery", "info", "--gallery", file, "--model", model, "--threshold", Math.nextUp(calibrated));
        assertThat(stricter.out()).contains("which is stricter than the calibrated ", "no more often than there");
        Cli.Result looser =
                Cli.run("gallery", "info", "--gallery", file, "--model", model, "--threshold", calibrated - 0.01);
        assertThat(looser.code()).isZero();
        assertThat(looser.out())
                .contains("false alarms: unknown, since the model has no threshold with evidence at or below ");
    }

    /** The rate of one comparison was used without a word, however many entries there are. */
    @Test
    void identifySaysTheThresholdAndHowOftenItIsWrong() {
        List<Object> words = new ArrayList<>(List.of("gallery", "identify", "--gallery", file, "--model", model));
        words.add(photos.resolve("person0/0.png"));
        Cli.Result few = Cli.run(words.toArray());
        assertThat(few.code()).as(few.err()).isZero();
        assertThat(few.err())
                .containsOnlyOnce("note: threshold ")
                .contains(", false accept rate 0.01 of one comparison, 6 entries: a stranger is taken for an enrolled"
                        + " person about once in ")
                .doesNotContain("warning");
        Cli.Result enrolled =
                Cli.run("gallery", "enroll", "--gallery", file, "--model", model, "--folder", models.resolve("people"));
        assertThat(enrolled.code()).as(enrolled.err()).isZero();
        words.add("--json");
        Cli.Result many = Cli.run(words.toArray());
        assertThat(many.err())
                .contains("warning: more than one stranger in 10 is taken for an enrolled person; give --far with a");
        assertThat(many.json().get("false_accept_rate").asDouble()).isEqualTo(0.01);
        words.addAll(List.of("--threshold", 1));
        Cli.Result given = Cli.run(words.toArray());
        assertThat(given.err())
                .contains("note: threshold 1.0", ", false accept rate not known, ")
                .contains(" entries: no more often than at the calibrated ", ", where a stranger is taken for ")
                .doesNotContain("warning");
        assertThat(given.json().get("false_accept_rate").isNull()).isTrue();
        words.set(words.size() - 1, -1);
        assertThat(Cli.run(words.toArray()).err()).contains("is not known, since the model has no threshold");
    }

    @Test
    void infoRefusesAnotherModel() {
        Cli.Result mixed = Cli.run("gallery", "info", "--gallery", file, "--model", other);
        assertThat(mixed.code()).isEqualTo(2);
        assertThat(mixed.err()).contains("--model must be the gallery's, ", "but " + other + " is ");
        assertThat(Cli.run("gallery", "info", "--gallery", file, "--threshold", 0.4)
                        .err())
                .contains("--model must be given with --threshold");
    }

    // ---- export, import and copy ----

    private static void writeThumbnail(Path file) {
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, Photos.jpeg(112, 112));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void exportsAndImports() {
        Path export = folder.resolve("export");
        Cli.Result exported = Cli.run("gallery", "export", "--gallery", file, "--out", export, "--json");
        assertThat(exported.code()).as(exported.err()).isZero();
        assertThat(exported.json().get("entries").asInt()).isEqualTo(6);
        assertThat(exported.err()).contains("exported 6 entries of " + file + " into " + export, "entries/s");

        Path copy = folder.resolve("copy.gallery");
        Path formerFace = folder.resolve("copy.gallery.faces/1.jpg"); // of a gallery that had this name
        writeThumbnail(formerFace);
        Cli.Result imported = Cli.run("gallery", "import", "--gallery", copy, "--from", export, "--json");
        assertThat(imported.json().toString()).isEqualTo("{\"added\":6,\"already_there\":0,\"entries\":6}");
        assertThat(lines(copy)).isEqualTo(lines(file));
        assertThat(formerFace).doesNotExist();
        assertThat(Gallery.info(copy)).isEqualTo(Gallery.info(file));
        Cli.Result again = Cli.run("gallery", "import", "--gallery", copy, "--from", export, "--json");
        assertThat(again.json().toString()).isEqualTo("{\"added\":0,\"already_there\":6,\"entries\":6}");

        Path large = folder.resolve("large.gallery");
        Cli.Result onDisk = Cli.run("gallery", "import", "--gallery", large, "--on-disk", "--from", export, "--json");
        assertThat(onDisk.json().toString()).isEqualTo(imported.json().toString());
        assertThat(folder.resolve("large.gallery.index")).exists();
        assertThat(Cli.run("gallery", "list", "--gallery", large, "--on-disk", "--entries")
                        .out())
                .isEqualTo(Cli.run("gallery", "list", "--gallery", copy, "--entries")
                        .out());
        Cli.Result database = Cli.run("gallery", "info", "--gallery", "jdbc:postgresql://localhost/faces", "--on-disk");
        assertThat(database.err()).contains("error: --on-disk must be given with a gallery in a file");

        Path foreign = folder.resolve("foreign.gallery");
        Cli.run("gallery", "enroll", "--gallery", foreign, "--model", other, "Ann", photos.resolve("person0/0.png"));
        Cli.Result refused = Cli.run("gallery", "import", "--gallery", foreign, "--from", export);
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err())
                .contains("error: gallery " + foreign + " holds embeddings of the model ", "enroll the images again");
        assertThat(refused.err().lines()).hasSize(1);
        Cli.Result nothing = Cli.run("gallery", "import", "--gallery", copy, "--from", photos);
        assertThat(nothing.code()).isEqualTo(1);
        assertThat(nothing.err()).contains("folder " + photos + " must be that of an exported gallery");
        assertThat(Cli.run("gallery", "export", "--gallery", file, "--out", export)
                        .err())
                .contains("must be empty or new for an export");
    }

    /** Starts PGlite, PostgreSQL with pgvector in Node; skips the test without it. See core/src/test/pglite. */
    static Process startServer() {
        assumeTrue(
                Files.isDirectory(PGLITE.resolve("node_modules")),
                "skipped because PGlite is not installed; run npm ci --prefix core/src/test/pglite");
        try {
            return new ProcessBuilder("node", PGLITE.resolve("server.mjs").toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            return abort("skipped because Node cannot be run: " + e.getMessage());
        }
    }

    static String url(Process server) throws IOException {
        return "jdbc:postgresql://127.0.0.1:" + server.inputReader().readLine().replaceAll("\\D", "")
                + "/postgres?gallery=staff&user=postgres&password=hunter2&sslmode=disable&prepareThreshold=0";
    }

    /** Two runs at once used to enroll every image twice. */
    @Test
    @EnabledIfSystemProperty(
            named = "tests.long",
            matches = "true",
            disabledReason = "takes 12 s; core's tests enroll from many threads at once; run it with -Dtests.long=true")
    void runsAtTheSameTimeEnrollEachImageOnce() throws Exception {
        Process server = startServer();
        try {
            String url = url(server);
            List<Cli.Result> enrolled = bothOf(() ->
                    Cli.run("gallery", "enroll", "--gallery", url, "--model", model, "--folder", photos, "--json"));
            assertThat(sum(enrolled, "enrolled")).isEqualTo(6);
            assertThat(sum(enrolled, "already_there")).isEqualTo(6);
            String to = url.replace("staff", "new");
            List<Cli.Result> reembedded = bothOf(
                    () -> Cli.run("gallery", "reembed", "--gallery", url, "--to", to, "--model", other, "--json"));
            assertThat(sum(reembedded, "enrolled")).isEqualTo(6);
            assertThat(sum(reembedded, "already_there")).isEqualTo(6);
            assertThat(Cli.run("gallery", "info", "--gallery", to).out()).contains("people: 3", "entries: 6");
        } finally {
            server.destroy();
        }
    }

    private static List<Cli.Result> bothOf(Supplier<Cli.Result> run) {
        return Stream.of(CompletableFuture.supplyAsync(run), CompletableFuture.supplyAsync(run)).toList().stream()
                .map(CompletableFuture::join)
                .toList();
    }

    private static int sum(List<Cli.Result> results, String key) {
        results.forEach(result -> assertThat(result.code()).as(result.err()).isZero());
        return results.stream()
                .mapToInt(result -> result.json().get(key).asInt())
                .sum();
    }

    /** In PGlite, PostgreSQL with pgvector in Node; see core/src/test/pglite. */
    @Test
    void copiesToADatabaseAndBack() throws IOException {
        Process server = startServer();
        try {
            String url = url(server);
            Path back = folder.resolve("back.gallery");
            Cli.Result there = Cli.run("gallery", "copy", "--from", file, "--to", url, "--json");
            assertThat(there.code()).as(there.err()).isZero();
            assertThat(there.json().get("added").asInt()).isEqualTo(6);
            assertThat(there.err())
                    .contains("gallery staff in jdbc:postgresql:")
                    .doesNotContain("hunter2");
            assertThat(Cli.run("gallery", "info", "--gallery", url).out()).contains("people: 3", "entries: 6");
            assertThat(Cli.run("gallery", "copy", "--from", url, "--to", back).code())
                    .isZero();
            assertThat(lines(back)).isEqualTo(lines(file));

            Cli.Result reembedded = Cli.run(
                    "gallery", "reembed", "--gallery", url, "--to", url.replace("staff", "new"), "--model", other);
            assertThat(reembedded.err()).contains("enrolled 6, already there 0, left out 0");

            PGSimpleDataSource source = new PGSimpleDataSource();
            source.setUrl(url.replace("gallery=staff&", ""));
            GalleryInfo info = Gallery.info(source, "staff");
            try (DatabaseGallery staff = Gallery.connect(source, "staff", info.fingerprint(), info.dimension())) {
                staff.setAttributes(staff.page(0, 10).get(5).entry().id(), Map.of("site", "east"));
            }
            Path partly = folder.resolve("partly.gallery");
            Cli.Result kept = Cli.run("gallery", "reembed", "--gallery", url, "--to", partly, "--model", other);
            assertThat(kept.code()).isEqualTo(2);
            assertThat(kept.err()).contains("has [site]; name one in a database with --to, or give --drop-attributes");
            assertThat(Cli.run("gallery", "list", "--gallery", partly).out())
                    .as("nothing is embedded before")
                    .isEmpty();
        } finally {
            server.destroy();
        }
    }

    // ---- reembed ----

    private Cli.Result reembed(Object... more) {
        Object[] words = {
            "gallery", "reembed", "--gallery", file, "--to", folder.resolve("new.gallery"), "--model", other, "--json"
        };
        Object[] all = Arrays.copyOf(words, words.length + more.length);
        System.arraycopy(more, 0, all, words.length, more.length);
        return Cli.run(all);
    }

    @Test
    void reembedsWithAnotherModel() {
        Cli.Result result = reembed();
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.json().toString())
                .isEqualTo("{\"enrolled\":6,\"already_there\":0,\"left_out\":{},\"entries\":6}");
        Path fresh = folder.resolve("fresh.gallery");
        Cli.run("gallery", "enroll", "--gallery", fresh, "--model", other, "--folder", photos);
        assertThat(lines(folder.resolve("new.gallery")))
                .as("as if the images had been enrolled with the other model")
                .hasSameSizeAs(lines(fresh));
        GalleryInfo info = Gallery.info(fresh);
        try (Gallery expected = Gallery.openReadOnly(fresh, info.fingerprint(), 16, SearchMethod.EXACT);
                Gallery found = Gallery.openReadOnly(
                        folder.resolve("new.gallery"), info.fingerprint(), 16, SearchMethod.EXACT)) {
            assertThat(found.entries()).isEqualTo(expected.entries());
            for (Entry entry : found.entries()) {
                float[] embedding = found.embedding(entry.id()).orElseThrow();
                assertThat(expected.identify(embedding, 1, 0.99999)
                                .best()
                                .orElseThrow()
                                .entry())
                        .isEqualTo(entry.id());
            }
        }
        assertThat(reembed().json().toString())
                .isEqualTo("{\"enrolled\":0,\"already_there\":6,\"left_out\":{},\"entries\":6}");
    }

    /** What a killed run has enrolled is a part of the entries. */
    @Test
    void continuesAKilledRun() {
        Cli.run(
                "gallery",
                "enroll",
                "--gallery",
                folder.resolve("new.gallery"),
                "--model",
                other,
                "person1",
                photos.resolve("person1/0.png"),
                photos.resolve("person1/1.png"));
        Cli.Result rest = reembed();
        assertThat(rest.json().toString())
                .isEqualTo("{\"enrolled\":4,\"already_there\":2,\"left_out\":{},\"entries\":6}");
    }

    @Test
    void reportsImagesThatAreMissingOrChangedAndFindsMovedOnes() throws IOException {
        Files.move(photos.resolve("person0/0.png"), folder.resolve("moved.png"));
        Files.copy(
                photos.resolve("person1/1.png"), photos.resolve("person1/0.png"), StandardCopyOption.REPLACE_EXISTING);
        GalleryInfo info = Gallery.info(file);
        try (Gallery gallery = Gallery.open(file, info.fingerprint(), 16)) {
            gallery.enroll("Zoe", new float[] {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        }
        Cli.Result some = reembed();
        assertThat(some.code()).isEqualTo(1);
        assertThat(some.json().get("enrolled").asInt()).isEqualTo(4);
        assertThat(some.err())
                .contains("left out: entry 1 (person0) was enrolled from ", "which is not there any more")
                .contains("left out: entry 3 (person1) was enrolled from ", "which has other contents now")
                .contains("left out: entry 7 (Zoe) has no record of its image's content; enroll the image in the other")
                .contains("enrolled 4, already there 0, left out 3");

        Path empty = Files.createDirectories(folder.resolve("empty"));
        assertThat(reembed("--folder", empty).err())
                .contains("folder " + empty + " must have the images of the gallery, but has none");
        Cli.Result moved = reembed("--folder", folder);
        assertThat(moved.json().get("enrolled").asInt()).isEqualTo(1);
        assertThat(moved.json().get("already_there").asInt()).isEqualTo(4);
        assertThat(moved.err()).contains("entry 3 (person1) has no image with its content below " + folder);
        assertThat(Map.of("person0", 2, "person1", 1, "person2", 2))
                .isEqualTo(identities(folder.resolve("new.gallery")));
    }

    /** Whatever image lay there was enrolled under the name, also with --folder, as if it had been compared. */
    @Test
    void leavesEntriesOutWhoseImageCannotBeCompared() throws IOException {
        Path capture = folder.resolve("capture.png");
        Files.copy(photos.resolve("person1/0.png"), capture); // lay there after Zoe's image
        GalleryInfo info = Gallery.info(file);
        try (Gallery gallery = Gallery.open(file, info.fingerprint(), 16)) {
            gallery.enroll("Zoe", gallery.embedding(1).orElseThrow(), capture.toString());
        }
        for (Cli.Result result : List.of(reembed(), reembed("--folder", folder))) {
            assertThat(result.code()).isEqualTo(1);
            assertThat(result.err())
                    .contains("left out: entry 7 (Zoe) has no record of its image's content; " + capture
                            + " may be another image now; enroll the image in the other gallery with gallery enroll");
        }
        assertThat(identities(folder.resolve("new.gallery"))).doesNotContainKey("Zoe");
    }

    private static Map<String, Integer> identities(Path gallery) {
        GalleryInfo info = Gallery.info(gallery);
        try (Gallery open = Gallery.openReadOnly(gallery, info.fingerprint(), 16, SearchMethod.EXACT)) {
            return open.identities();
        }
    }
}
