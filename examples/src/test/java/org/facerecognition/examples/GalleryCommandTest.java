package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.examples.web.Photos;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.io.FileNames;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The commands of {@code gallery}, with a detector that takes a red square of 8 pixels for a small face and a blue
 * square of 16 pixels for a large one.
 */
class GalleryCommandTest {
    private static final Path DETECTOR = Path.of("../core/src/test/resources/vision/squares.onnx");

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
        model = save(1);
        other = save(2);
    }

    private static Path save(long seed) {
        Path path = models.resolve("model" + seed);
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(16)
                .classes(2)
                .seed(seed)
                .build())) {
            recognizer.save(path);
        }
        return path;
    }

    @BeforeEach
    void takePhotographs() throws IOException {
        file = folder.resolve("people.gallery");
        photos = folder.resolve("photos");
        photograph("Ann/1.png", true, false);
        photograph("Bob/1.png", false, true);
        photograph("both.png", true, true);
    }

    private Path photograph(String name, boolean red, boolean blue) throws IOException {
        BufferedImage image = new BufferedImage(320, 240, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        for (int i = 0; i < 320; i += 5) { // a gray background
            graphics.setColor(new Color(i * 7 % 256, i * 7 % 256, i * 7 % 256));
            graphics.fillRect(i, 0, 5, 240);
        }
        graphics.setColor(Color.BLACK); // a difference that an untrained network sees
        graphics.fillRect(0, 0, 140, 240);
        graphics.setColor(Color.RED);
        if (red) {
            graphics.fillRect(80, 120, 8, 8);
        }
        graphics.setColor(Color.BLUE);
        if (blue) {
            graphics.fillRect(208, 96, 16, 16);
        }
        graphics.dispose();
        Path path = photos.resolve(name);
        Files.createDirectories(path.getParent());
        ImageIO.write(image, "png", path.toFile());
        return path;
    }

    /** Earlier, the error was only the path. */
    @Test
    void saysWhyTheThumbnailsCannotBeOpened() throws IOException {
        enroll("Ann", photos.resolve("Ann/1.png"));
        Path faces = Files.writeString(folder.resolve("people.gallery.faces"), "a file");
        Cli.Result serve = Cli.run(
                "serve", "--gallery", file, "--model", model, "--detector", DETECTOR, "--threshold", 0.5, "--port", 0);
        assertThat(serve.code()).isEqualTo(Main.FAILED);
        assertThat(serve.err())
                .contains("error: the thumbnails in " + faces + " cannot be opened: " + faces + " is not a folder");
        Cli.Result removed = Cli.run("gallery", "remove", "Ann", "--gallery", file);
        assertThat(removed.code()).as(removed.err()).isZero();
        assertThat(faces).hasContent("a file");
    }

    private Cli.Result enroll(Object... more) {
        return gallery("enroll", model, more);
    }

    private Cli.Result identify(Object... more) {
        return gallery("identify", model, more);
    }

    private Cli.Result gallery(String command, Path by, Object... more) {
        Object[] words = {"gallery", command, "--gallery", file, "--model", by, "--detector", DETECTOR};
        Object[] all = Arrays.copyOf(words, words.length + more.length);
        System.arraycopy(more, 0, all, words.length, more.length);
        return Cli.run(all);
    }

    @ParameterizedTest
    @ValueSource(strings = {"enroll", "identify", "list", "remove", "compact"})
    void everyCommandHasHelp(String command) {
        assertThat(Cli.run("gallery", command, "--help").out())
                .startsWith("Usage: face-recognition gallery " + command);
        assertThat(Cli.run("gallery").code()).isEqualTo(2);
    }

    /** Identifying and enrolling by name took files only: a folder could "not be read". */
    @Test
    void takesFoldersOfImagesAsOtherCommandsDo() throws IOException {
        photograph("Ann/2.png", true, true);
        Path empty = Files.createDirectories(folder.resolve("empty"));
        Cli.Result enrolled = enroll("Ann", photos.resolve("Ann"), empty, "--json");
        assertThat(enrolled.code()).as(enrolled.err()).isZero();
        assertThat(enrolled.json().get("enrolled").asInt()).isEqualTo(2);
        assertThat(enrolled.err()).contains("folder " + empty + " must have images in it, but ");
        Cli.Result identified = identify("--threshold", -1, photos.resolve("both.png"), photos.resolve("Ann"));
        assertThat(identified.code()).as(identified.err()).isZero();
        assertThat(identified.out().lines().map(line -> line.split("\t")[0]).distinct())
                .containsExactly(
                        photos.resolve("both.png").toString(),
                        photos.resolve("Ann/1.png").toString(),
                        photos.resolve("Ann/2.png").toString());
        Cli.Result nothing = identify("--threshold", -1, empty);
        assertThat(nothing.code()).isEqualTo(Main.FAILED);
        assertThat(nothing.err()).contains("error: folder " + empty + " must have images in it, but ");
    }

    /** Everybody would be enrolled as Ann. */
    @Test
    void aFolderOfPeopleIsNotEnrolledUnderOneName() throws IOException {
        photograph("Ann/2.png", true, true);
        Cli.Result refused = enroll("Ann", photos);
        assertThat(refused.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(refused.err()).contains("--folder " + photos + " enrolls each of them as a person");
        assertThat(file).doesNotExist();
    }

    /** Photographs were embedded whole by the new model, and the exit code was 0. */
    @Test
    void reembeddingFacesThatWereFoundNeedsADetector() {
        enroll("Ann", photos.resolve("Ann/1.png"));
        enroll("Bob", photos.resolve("Bob/1.png"));
        Path to = folder.resolve("new.gallery");
        Object[] words = {"gallery", "reembed", "--gallery", file, "--to", to, "--model", other};
        Cli.Result whole = Cli.run(words);
        assertThat(whole.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(whole.err())
                .startsWith("error: --detector must be given")
                .contains("most-prominent face found by detector");
        assertThat(to).doesNotExist();

        Cli.Result found = gallery("reembed", other, "--to", to);
        assertThat(found.code()).as(found.err()).isZero();
        assertThat(found.err()).contains("enrolled 2, already there 0").doesNotContain("note: ");
        Cli.Result unlike = gallery("reembed", other, "--to", folder.resolve("unlike.gallery"), "--no-flip");
        assertThat(unlike.code()).as(unlike.err()).isZero();
        assertThat(unlike.err())
                .contains("note: the former embeddings are with mirror images, the new ones without them");
    }

    @Test
    void aGalleryThatWasFilledWithoutADetectorIsReembeddedWithOne() {
        Cli.run("gallery", "enroll", "--gallery", file, "--model", model, "Ann", photos.resolve("Ann/1.png"));
        Cli.Result mended = gallery("reembed", other, "--to", folder.resolve("new.gallery"));
        assertThat(mended.code()).as(mended.err()).isZero();
        assertThat(mended.err()).contains("enrolled 1, already there 0");
    }

    @Test
    void enrollsAFolderAndIdentifiesEveryFace() throws IOException {
        Cli.Result first = enroll("--folder", photos, "--json");
        assertThat(first.code()).as(first.err()).isZero();
        assertThat(first.json().toString())
                .isEqualTo("{\"enrolled\":2,\"already_there\":0,\"left_out\":{},\"entries\":2,\"passed_over\":[]}");

        photograph("Ann/no-face.png", false, false);
        Cli.Result again = enroll("--folder", photos, "--json");
        assertThat(again.code()).isEqualTo(1);
        assertThat(again.err()).contains("left out: ", "no-face.png", "enrolled 0, already there 2, left out 1");
        assertThat(again.json().get("entries").asInt()).isEqualTo(2);
        Files.copy(photos.resolve("Ann/no-face.png"), photos.resolve("Ann/same.png"));
        JsonNode copied = enroll("--folder", photos, "--json").json();
        assertThat(copied.get("already_there").asInt())
                .as("the copy is not there")
                .isEqualTo(2);
        assertThat(copied.get("left_out")
                        .get(photos.resolve("Ann/same.png").toString())
                        .asText())
                .contains("same.png is the same image as ", "no-face.png, which was left out: ");
        Files.delete(photos.resolve("Ann/same.png"));

        Path both = photos.resolve("both.png");
        Cli.Result lines = identify("--threshold", 0.9999, both);
        assertThat(lines.code()).as(lines.err()).isZero();
        assertThat(lines.out().lines())
                .containsExactly(
                        both + "\t176.0,56.0 80.0x96.0\tBob\t1.0000", both + "\t64.0,100.0 40.0x48.0\tAnn\t1.0000");
        JsonNode faces = identify("--threshold", -1, "--top", 2, "--json", both)
                .json()
                .get("images")
                .get(0)
                .get("faces");
        assertThat(faces.get(0).get("matches")).hasSize(2);
        assertThat(faces.get(1).get("matches").get(0).get("identity").asText()).isEqualTo("Ann");
        assertThat(faces.get(1).get("matches").get(0).get("note").asText()).endsWith("/Ann/1.png");
    }

    /** Earlier, hidden folders were people, and one person without images prevented all enrollments. */
    @Test
    void ignoresHiddenFolders() throws IOException {
        photograph(".ipynb_checkpoints/1-checkpoint.png", true, false);
        photograph("@eaDir/Ann/SYNOFILE_THUMB_M.png", true, false);
        photograph("Ann/._1.png", true, false);
        Files.writeString(photos.resolve("Ann/2.heic"), "x");
        Files.createDirectories(photos.resolve("Carl"));
        Cli.Result result = enroll("--folder", photos, "--json");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err())
                .contains("left out: 1 person without images")
                .contains("passed over: 1 HEIC image (convert them to JPEG), 2 hidden or system folders, 1 hidden or"
                        + " system file, 1 image outside the folders of people");
        assertThat(result.json().get("enrolled").asInt()).isEqualTo(2);
        assertThat(Cli.run("gallery", "list", "--gallery", file).out()).isEqualTo("Ann\t1\nBob\t1\n");
        Path empty = Files.createDirectories(folder.resolve("empty"));
        assertThat(enroll("--folder", empty).err())
                .contains("folder " + empty + " must have a folder of images per person, but has none");
    }

    /** As on a full disk; here an entry is damaged that would have to be copied. The removal seemed to have failed. */
    @Test
    void aRemovalWhoseSpaceIsNotFreedIsReportedAsOne() throws IOException {
        enroll("Bob", photos.resolve("Bob/1.png"));
        enroll("Ann", photos.resolve("Ann/1.png"));
        Cli.run("gallery", "remove", "--gallery", file, "--on-disk", "Carl"); // saves an index
        byte[] whole = Files.readAllBytes(file);
        byte[] damaged = whole.clone();
        damaged[new String(whole, StandardCharsets.ISO_8859_1).indexOf("Ann/1.png") + 100] ^= 1;
        Files.write(file, damaged);
        Cli.Result removed = Cli.run("gallery", "remove", "--gallery", file, "--on-disk", "Bob", "--json");
        assertThat(removed.code()).isEqualTo(1);
        assertThat(removed.err())
                .contains("removed 1 entries", "the entries are removed, but their space was not freed: ")
                .endsWith("; then run gallery compact" + System.lineSeparator());
        assertThat(removed.json().toString()).isEqualTo("{\"removed\":1,\"entries\":1}");
    }

    @Test
    void compactFreesTheSpaceOfRemovedEntries() throws IOException {
        enroll("Bob", photos.resolve("Bob/1.png"));
        enroll("Ann", photos.resolve("Ann/1.png"));
        GalleryInfo info = Gallery.info(file);
        try (Gallery gallery = Gallery.open(file, info.fingerprint(), info.dimension())) {
            gallery.remove("Bob"); // as the page does
        }
        long before = Files.size(file);
        Cli.Result compacted = Cli.run("gallery", "compact", "--gallery", file, "--json");
        assertThat(compacted.err()).contains("compacted ", ", which has 1 entries");
        assertThat(compacted.json().toString()).isEqualTo("{\"entries\":1}");
        assertThat(Files.size(file)).isLessThan(before);
    }

    @Test
    void removedPeopleAreUnknownAndErased() throws IOException {
        enroll("Боб", photos.resolve("Bob/1.png"));
        enroll("Ann", photos.resolve("Ann/1.png"));
        assertThat(Cli.run("gallery", "list", "--gallery", file).out()).isEqualTo("Ann\t1\nБоб\t1\n");
        assertThat(Cli.run("gallery", "list", "--gallery", file, "--entries")
                        .out()
                        .lines())
                .containsExactly("1\tБоб\t" + photos.resolve("Bob/1.png"), "2\tAnn\t" + photos.resolve("Ann/1.png"));

        Cli.Result removed = Cli.run("gallery", "remove", "--gallery", file, " БОБ ", "Carl", "--json");
        assertThat(removed.code()).isEqualTo(1);
        assertThat(removed.err()).contains("not in the gallery: Carl", "removed 1 entries");
        assertThat(removed.json().toString()).isEqualTo("{\"removed\":1,\"entries\":1}");
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
                .contains("Ann")
                .doesNotContain("Bob/1.png");
        Cli.Result unknown = identify("--threshold", 1, photos.resolve("Bob/1.png"));
        assertThat(unknown.out()).isEqualTo(photos.resolve("Bob/1.png") + "\t176.0,56.0 80.0x96.0\tunknown\n");
        JsonNode face = identify("--threshold", 1, "--json", photos.resolve("Bob/1.png"))
                .json()
                .get("images")
                .get(0)
                .get("faces")
                .get(0);
        assertThat(face.get("known").asBoolean()).isFalse();
        assertThat(face.get("nearest").get("identity").asText()).isEqualTo("Ann");

        assertThat(Cli.run("gallery", "remove", "--gallery", file, "--entry", 2).code())
                .isZero();
        assertThat(Cli.run("gallery", "list", "--gallery", file, "--json")
                        .json()
                        .get("identities"))
                .isEmpty();
    }

    @Nested
    class ByNameAndContent {
        private Path capture;

        private Cli.Result enrollCapture(String name) {
            return enroll(name, capture, "--json");
        }

        private String list() {
            return Cli.run("gallery", "list", "--gallery", file).out();
        }

        @BeforeEach
        void enrollAnn() throws IOException {
            capture = photos.resolve("capture.png");
            Files.copy(photos.resolve("Ann/1.png"), capture);
            assertThat(enrollCapture("Ann").code()).isZero();
        }

        /** Earlier, Bob was "already there", with exit code 0. */
        @Test
        void enrollsANewImageInAFileOfTheSameName() throws IOException {
            Files.copy(photos.resolve("Bob/1.png"), capture, StandardCopyOption.REPLACE_EXISTING);
            Cli.Result bob = enrollCapture("Bob");
            assertThat(bob.code()).as(bob.err()).isZero();
            assertThat(bob.err()).contains("enrolled 1, already there 0, left out 0");
            assertThat(list()).isEqualTo("Ann\t1\nBob\t1\n");
        }

        @Test
        void skipsTheSameImageOfTheSamePerson() throws IOException {
            Path moved = Files.move(capture, photos.resolve("moved.png"));
            Cli.Result again = enroll("ann ", moved, "--json");
            assertThat(again.code()).isZero();
            assertThat(again.err()).contains("already there: " + moved, "enrolled 0, already there 1, left out 0");
            assertThat(again.json().get("passed_over").get(0).asText()).isEqualTo(moved.toString());
        }

        /** Earlier, a corrected name was ignored, with exit code 0. */
        @Test
        void rejectsTheSameImageOfAnotherPerson() {
            Cli.Result other = enrollCapture("Anne");
            assertThat(other.code()).isEqualTo(1);
            assertThat(other.err())
                    .contains(
                            "left out: " + capture + " must belong to one person, but the same image is enrolled as Ann"
                                    + " (entry 1); if that name is wrong, remove that entry first");
            assertThat(list()).isEqualTo("Ann\t1\n");
            Cli.run("gallery", "remove", "--gallery", file, "--entry", 1);
            assertThat(enrollCapture("Anne").code()).isZero();
        }

        @Test
        void rejectsOneImageInTwoFolders() throws IOException {
            Files.copy(
                    photos.resolve("Bob/1.png"),
                    Files.createDirectories(photos.resolve("Cleo")).resolve("x.png"));
            Cli.Result all = enroll("--folder", photos);
            assertThat(all.code()).isEqualTo(1);
            assertThat(all.err())
                    .contains("x.png must belong to one person, but the same image was also given for Bob");
            assertThat(list()).isEqualTo("Ann\t1\nBob\t1\n");
        }

        /** Those of earlier versions, of some imports and of Java programs are compared by file and name. */
        @Test
        void comparesEntriesWithoutAContentKeyByFile() throws IOException {
            GalleryInfo info = Gallery.info(file);
            try (Gallery gallery = Gallery.open(file, info.fingerprint(), info.dimension())) {
                float[] embedding = gallery.embedding(1).orElseThrow();
                gallery.remove(1);
                gallery.enroll("Ann", embedding, capture.toString());
            }
            assertThat(enrollCapture("Ann").err()).contains("already there 1");
            Cli.Result other = enrollCapture("Bob");
            assertThat(other.code()).isZero();
            assertThat(other.err())
                    .contains("note: " + capture
                            + " was enrolled as Ann (entry 2) without a record of the image's content");
            assertThat(list()).isEqualTo("Ann\t1\nBob\t1\n");
        }
    }

    /** Without a locale, Java writes question marks for all characters but ASCII, and two names looked alike. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void printsNamesWithoutALocale() throws IOException, InterruptedException {
        try (Gallery gallery = Gallery.open(file, "model", 2)) {
            gallery.enroll(List.of(new Enrollment("\u674e\u96f7", new float[] {1, 0}, null, null)));
        }
        ProcessBuilder list = new ProcessBuilder(Cli.command("gallery", "list", "--gallery", file));
        list.environment().put("LC_ALL", "C");
        Process process = list.start();
        assertThat(process.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo("\u674e\u96f7\t1");
        assertThat(process.waitFor()).isZero();
    }

    /** Earlier, two people whose names could not be read became one, and removing one removed both. */
    @Test
    void rejectsNamesThatCannotBeRead() {
        for (String command : new String[] {"enroll", "remove"}) {
            Cli.Result unreadable = "enroll".equals(command)
                    ? enroll("\ufffd\ufffd", photos.resolve("Ann/1.png"))
                    : Cli.run("gallery", "remove", "--gallery", file, "\ufffd\ufffd");
            assertThat(unreadable.code()).isEqualTo(2);
            assertThat(unreadable.err())
                    .contains("must be readable text, but has characters that could not be read")
                    .contains(FileNames.remedy(FileNames.charset(), "it"));
        }
        assertThat(file).doesNotExist();
        assertThatThrownBy(() -> Arguments.checkReadable("M?ller", StandardCharsets.US_ASCII))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("set LC_ALL=C.UTF-8");
        Arguments.checkReadable("Who?", StandardCharsets.UTF_8);
        assertThat(enroll("Ann\n", photos.resolve("Ann/1.png")).err())
                .contains("identity must be one line of text without control characters, but has U+000A");
    }

    /** Earlier, they stayed until the page was opened again. */
    @Test
    void erasesTheThumbnailsOfRemovedPeople() throws IOException {
        enroll("--folder", photos);
        Path faces = Files.createDirectories(folder.resolve("people.gallery.faces"));
        Files.write(faces.resolve("1.jpg"), Photos.jpeg(112, 112));
        Files.write(faces.resolve("2.jpg"), Photos.jpeg(112, 112));
        Path link = Files.createSymbolicLink(folder.resolve("link.gallery"), file);
        assertThat(Cli.run("gallery", "remove", "--gallery", link, "Ann").code())
                .isZero();
        assertThat(faces.toFile().list())
                .singleElement(InstanceOfAssertFactories.STRING)
                .matches("2-[0-9a-f]{16}\\.jpg");
        assertThat(folder.toFile().list()).doesNotContain("link.gallery.faces");
    }

    /** A run that failed used to leave an empty gallery of its mode, which refused the next one. */
    @Test
    void anEmptyGalleryTakesAnotherMode() {
        assertThat(enroll("Ann", folder.resolve("missing.png")).code()).isEqualTo(1);
        Cli.Result other = enroll("Ann", photos.resolve("Ann/1.png"), "--no-flip");
        assertThat(other.code()).as(other.err()).isZero();
        assertThat(enroll("Bob", photos.resolve("Bob/1.png")).err()).contains("holds embeddings made in the mode");
    }

    @Test
    void explainsFailuresInOneSentence() {
        enroll("Ann", photos.resolve("Ann/1.png"));
        Cli.Result mixed = gallery("identify", other, "--threshold", .5, photos.resolve("Ann/1.png"));
        assertThat(mixed.code()).isEqualTo(1);
        assertThat(mixed.err()).contains("which cannot be compared with those of", "enroll the images again");
        Cli.Result uncalibrated = identify(photos.resolve("Ann/1.png"));
        assertThat(uncalibrated.err()).contains("must have been calibrated, but this model has none");
        Cli.Result missing = identify("--threshold", .5, folder.resolve("no.png"), photos.resolve("Ann/1.png"));
        assertThat(missing.code()).isEqualTo(1);
        assertThat(missing.err()).contains("no.png");
        assertThat(missing.out()).contains("\tAnn\t1.0000");
        assertThat(enroll("Ann").err()).contains("a name and images must be given");
        assertThat(enroll("Ann").code()).isEqualTo(2);
        assertThat(enroll("Ann", "--folder", photos).err()).contains("--folder must be given without names and images");
        assertThat(Cli.run("gallery", "remove", "--gallery", file).err()).contains("a name or --entry must be given");
        Cli.Result nowhere = Cli.run("gallery", "list", "--gallery", folder.resolve("none"));
        assertThat(nowhere.err()).contains("error: gallery " + folder.resolve("none") + " does not exist");
        assertThat(nowhere.code()).isEqualTo(1);
    }

    /** In PGlite, PostgreSQL with pgvector in Node; see core/src/test/pglite. */
    @Nested
    class InADatabase {
        @Test
        void enrollsIdentifiesListsAndRemoves() throws IOException {
            Process server = GalleryTransferCommandTest.startServer();
            try {
                useIn(GalleryTransferCommandTest.url(server));
            } finally {
                server.destroy();
            }
        }

        private void useIn(String url) {
            Object[] options = {"--gallery", url, "--model", model, "--detector", DETECTOR};
            Cli.Result enrolled = run("enroll", options, "--folder", photos);
            assertThat(enrolled.err())
                    .contains("enrolled 2, already there 0")
                    .contains("gallery staff in jdbc:postgresql:");
            assertThat(run("enroll", options, "--folder", photos).err()).contains("enrolled 0, already there 2");
            assertThat(run("identify", options, "--threshold", 0.99, photos.resolve("both.png"))
                            .out())
                    .contains("Ann")
                    .contains("Bob");
            Cli.Result list = Cli.run("gallery", "list", "--gallery", url);
            assertThat(list.out()).isEqualToNormalizingNewlines("Ann\t1\nBob\t1\n");
            Cli.Result removed = Cli.run("gallery", "remove", "--gallery", url, "Ann");
            assertThat(removed.err()).startsWith("removed 1 entries; gallery staff in jdbc:postgresql:");
            assertThat(Cli.run("gallery", "list", "--gallery", url).out()).isEqualToNormalizingNewlines("Bob\t1\n");
            Object[] ofAnother = {"--gallery", url, "--model", other, "--detector", DETECTOR};
            assertThat(run("identify", ofAnother, "--threshold", 0.9, photos.resolve("both.png"))
                            .err())
                    .startsWith("error: gallery staff in the database holds embeddings of the model ");
            for (Cli.Result result : List.of(enrolled, list, removed)) {
                assertThat(result.out() + result.err()).doesNotContain("hunter2");
            }
            takesAnotherModelWhileItIsEmpty(url, ofAnother);
        }

        /** Unlike a file, it was refused for ever. */
        private void takesAnotherModelWhileItIsEmpty(String url, Object[] ofAnother) {
            assertThat(Cli.run("gallery", "remove", "--gallery", url, "Bob").code())
                    .isZero();
            assertThat(run("enroll", ofAnother, "Ann", folder.resolve("missing.png"))
                            .err())
                    .contains("enrolled 0, ", "left out 1; gallery staff in jdbc:postgresql:");
            Object[] options = {"--gallery", url, "--model", model, "--detector", DETECTOR, "--no-flip"};
            Cli.Result again = run("enroll", options, "--folder", photos);
            assertThat(again.err()).contains("enrolled 2, already there 0");
        }

        private Cli.Result run(String command, Object[] options, Object... more) {
            List<Object> words = new ArrayList<>(List.of("gallery", command));
            words.addAll(Arrays.asList(options));
            words.addAll(Arrays.asList(more));
            return Cli.run(words.toArray());
        }
    }
}
