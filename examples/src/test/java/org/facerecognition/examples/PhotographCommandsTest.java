package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.PhotographWarnings;
import org.facerecognition.data.Split;
import org.facerecognition.examples.web.Photos;
import org.facerecognition.io.FileNames;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.RemoteFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Commands that take photographs, with a detector that takes a red square of 8 pixels for a face of 40x48 and a blue
 * square of 16 pixels for a face of 80x96.
 */
class PhotographCommandsTest {
    private static final Path DETECTOR = Path.of("../core/src/test/resources/vision/squares.onnx");

    @TempDir
    Path folder;

    private Path one;
    private Path both;
    private Path noFace;

    @TempDir
    private static Path models;

    private static Path model; // not calibrated
    private static Path calibrated;
    private static Path faces;

    @BeforeAll
    static void makeModels() {
        model = models.resolve("random.model");
        calibrated = models.resolve("calibrated.model");
        faces = Cli.faces(models.resolve("faces"));
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18) // untrained networks of other encoders embed all faces alike
                .embeddingSize(16)
                .classes(2)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            recognizer.save(model);
            recognizer.calibrate(FaceDataset.synthetic(new SyntheticFaces(0, 48).identities(0, 80), Split.TEST), true);
            recognizer.save(calibrated);
        }
    }

    @BeforeEach
    void takePhotographs() throws IOException {
        one = photograph("photos/ann/1.png", true, false);
        both = photograph("photos/bob/1.png", true, true);
        noFace = photograph("photos/bob/2.png", false, false);
    }

    private Path photograph(String name, boolean red, boolean blue) throws IOException {
        BufferedImage image = new BufferedImage(320, 240, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        for (int i = 0; i < 320; i += 5) { // something gray to see
            graphics.setColor(new Color(i * 7 % 256, i * 7 % 256, i * 7 % 256));
            graphics.fillRect(i, 0, 5, 240);
        }
        graphics.setColor(Color.RED);
        if (red) {
            graphics.fillRect(80, 120, 8, 8);
        }
        graphics.setColor(Color.BLUE);
        if (blue) {
            graphics.fillRect(208, 96, 16, 16);
        }
        graphics.dispose();
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        ImageIO.write(image, "png", file.toFile());
        return file;
    }

    @Test
    void detectPrintsAndMarksFaces() throws IOException {
        Path out = folder.resolve("marked");
        Cli.Result result = Cli.run("detect", "--detector", DETECTOR, folder.resolve("photos"), "--out", out, "--json");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).contains("3 faces in 3 images, marked in " + out);
        JsonNode json = result.json();
        assertThat(json.get("faces").asInt()).isEqualTo(3);
        JsonNode ann = json.get("images").get(0);
        assertThat(ann.get("image").asText()).isEqualTo(one.toString());
        assertThat(ann.get("width").asInt()).isEqualTo(320);
        assertThat(ann.get("faces").toString())
                .isEqualTo("[{\"box\":[64.0,100.0,40.0,48.0],\"points\":[[72.0,116.0],[96.0,116.0],[84.0,128.0],"
                        + "[76.0,136.0],[92.0,136.0]],\"score\":1.0}]");
        assertThat(json.get("images").get(1).get("faces")).hasSize(2);
        assertThat(json.get("images").get(2).get("faces")).isEmpty();

        BufferedImage marked = ImageIO.read(out.resolve("ann/1.png").toFile());
        assertThat(marked.getRGB(64 + 20, 100))
                .as("the upper edge of the box")
                .isNotEqualTo(ImageIO.read(one.toFile()).getRGB(64 + 20, 100));
        assertThat(new Color(marked.getRGB(72, 116)))
                .as("the eye on the left of the image")
                .isEqualTo(new Color(255, 0, 0));
        assertThat(out.resolve("bob/2.png")).exists();

        Cli.Result lines = Cli.run("detect", "--detector", DETECTOR, both);
        assertThat(lines.out().lines())
                .containsExactly(
                        both + "\t176.0,56.0 80.0x96.0\tscore 1.00", both + "\t64.0,100.0 40.0x48.0\tscore 1.00");
    }

    @Test
    void detectContinuesAfterAnUnreadableImage() throws IOException {
        Path broken = Files.writeString(folder.resolve("photos/broken.jpg"), "no image");
        Cli.Result result = Cli.run("detect", "--detector", DETECTOR, broken, one);
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.err()).contains("image " + broken + " is not an image", "1 faces in 1 images; 1 image could");
        assertThat(result.out()).startsWith(one.toString());
    }

    @Test
    void detectExplainsWrongUse() {
        assertThat(Cli.run("detect", one).err())
                .contains("--detector must be given: YuNet's or SCRFD's .onnx file, or fetch");
        assertThat(Cli.run("detect", one).code()).isEqualTo(2);
        Path nowhere = folder.resolve("nowhere.onnx");
        assertThat(Cli.run("detect", "--detector", nowhere, one).err())
                .contains("face detector " + nowhere + " does not exist");
        assertThat(Cli.run("detect", "--detector", DETECTOR, "--min-score", 2, one)
                        .err())
                .contains("--min-score must be in [0, 1], but was 2.0");
    }

    /** Earlier, images without a face were not listed, and shrinking was not reported. */
    @Test
    void listsImagesWithoutAFaceAndReportsShrinking() throws IOException {
        Path large = new CliData(folder).photograph("large/1.png", false, 2560, 1280);
        String advice =
                "no face was found in " + large + "; it was shrunk from 2560 to 640 px, where faces smaller than"
                        + " about 40 px are lost; try --max-side 2560 or --tiles";
        Cli.Result detected = Cli.run("detect", "--detector", DETECTOR, noFace, large);
        assertThat(detected.code()).isZero();
        assertThat(detected.out().lines()).containsExactly(noFace + "\tno face", large + "\tno face");
        assertThat(detected.err()).contains(advice, "0 faces in 2 images").doesNotContain(noFace.toString());
        assertThat(Cli.run("detect", "--detector", DETECTOR, large, "--max-side", 2560)
                        .err())
                .doesNotContain("shrunk");

        Path gallery = folder.resolve("people.gallery");
        Cli.run("gallery", "enroll", "Ann", one, "--gallery", gallery, "--model", model, "--detector", DETECTOR);
        Cli.Result identified = Cli.run(
                "gallery",
                "identify",
                large,
                noFace,
                "--gallery",
                gallery,
                "--model",
                model,
                "--detector",
                DETECTOR,
                "--threshold",
                0.5);
        assertThat(identified.out().lines()).containsExactly(large + "\tno face", noFace + "\tno face");
        assertThat(identified.err()).contains(advice).doesNotContain(noFace.toString());

        Path crops = folder.resolve("crops");
        Cli.Result aligned = Cli.run("align", "--detector", DETECTOR, one, large, "--out", crops);
        assertThat(aligned.out().lines()).containsExactly(one + "\t" + crops.resolve("1.png"), large + "\tno face");
        assertThat(aligned.err()).contains(advice);
    }

    /** The answer came with a calibrated false accept rate, and without a word. */
    @Test
    void warnsOnceOfPhotographsThatAreUsedWhole() throws IOException {
        CliData data = new CliData(folder);
        Path first = data.photograph("large/1.png", true, 1600, 1200);
        Path second = data.photograph("large/2.png", false, 1600, 1200);
        Path crop = data.photograph("crops/1.png", true, 600, 600);
        PhotographWarnings.again();
        Cli.Result crops = Cli.run("verify", "--model", calibrated, crop, crop, "--json");
        assertThat(crops.code()).as(crops.err()).isZero();
        assertThat(crops.err()).isEmpty();
        Cli.Result whole = Cli.run("verify", "--model", calibrated, first, second, "--json");
        assertThat(whole.code()).as(whole.err()).isZero();
        assertThat(whole.err().lines())
                .singleElement()
                .asString()
                .matches("warning: image .*large.[12].png of 1600x1200 pixels .*--detector.*align.*");
        assertThat(whole.json().get("false_accept_rate").isNull()).isFalse();
        PhotographWarnings.again();
        Cli.Result found = Cli.run("embed", "--model", model, "--detector", DETECTOR, "--max-side", 1600, first);
        assertThat(found.code()).as(found.err()).isZero();
        assertThat(found.err()).doesNotContain("warning");
    }

    /** What it was enrolled with could not be said again: neither {@code identify} nor {@code serve} had the option. */
    @Test
    void aGalleryOfAnotherChoiceOfFacesCanBeSearched() {
        Path gallery = folder.resolve("only.gallery");
        Object[] options = {"--gallery", gallery, "--model", model, "--detector", DETECTOR};
        assertThat(Cli.run(words("gallery enroll Ann", one, options, "--face", "only"))
                        .code())
                .isZero();
        Cli.Result other = Cli.run(words("gallery identify", one, options, "--threshold", 0.5));
        assertThat(other.code()).isEqualTo(1);
        assertThat(other.err()).contains("use the options that it was made with");
        Cli.Result same = Cli.run(words("gallery identify", one, options, "--threshold", 0.5, "--face", "only"));
        assertThat(same.code()).as(same.err()).isZero();
        assertThat(same.out()).contains("Ann");
    }

    private static Object[] words(String command, Path image, Object[] options, Object... more) {
        return Stream.of(command.split(" "), new Object[] {image}, options, more)
                .flatMap(Arrays::stream)
                .toArray();
    }

    /** Earlier, images of the same name were rejected. */
    @Test
    void processesAllImagesOfTheSameName() throws IOException {
        Path png = photograph("two/a.png", true, false);
        Path jpg = folder.resolve("two/a.bmp");
        ImageIO.write(ImageIO.read(both.toFile()), "bmp", jpg.toFile());
        Path two = folder.resolve("two");
        Cli.Result detected = Cli.run("detect", "--detector", DETECTOR, two, one, both);
        assertThat(detected.code()).as(detected.err()).isZero();
        assertThat(detected.err()).contains("6 faces in 4 images");

        Path marked = folder.resolve("marked");
        assertThat(Cli.run("detect", "--detector", DETECTOR, png, jpg, "--out", marked)
                        .code())
                .isZero();
        assertThat(marked.resolve("a.png")).exists();
        assertThat(marked.resolve("a-bmp.png")).exists();
        Path crops = folder.resolve("crops");
        Cli.Result aligned = Cli.run("align", "--detector", DETECTOR, two, one, both, both, "--out", crops, "--json");
        assertThat(aligned.code()).as(aligned.err()).isZero();
        List<String> written = new ArrayList<>();
        aligned.json()
                .get("images")
                .forEach(image -> written.add(image.at("/crops/0").asText()));
        assertThat(written)
                .containsExactly(
                        crops + "/a.png",
                        crops + "/a-png.png",
                        crops + "/1.png",
                        crops + "/1-png.png",
                        crops + "/1-png-2.png");
    }

    /** Earlier, such a folder ended the command, and files without an image in other folders were not reported. */
    @Test
    void continuesAfterAFolderWithoutImages() throws IOException {
        Path phone = Files.createDirectories(folder.resolve("phone"));
        Files.writeString(phone.resolve("1.HEIC"), "x");
        Files.writeString(phone.resolve("2.avif"), "x");
        Path mixed = Files.createDirectories(folder.resolve("mixed"));
        Files.copy(one, mixed.resolve("1.png"));
        Files.copy(one, mixed.resolve("._1.png"));
        Files.writeString(mixed.resolve("3.heic"), "x");
        Files.writeString(Files.createDirectories(mixed.resolve("@eaDir/1.png")).resolve("SYNOFILE_THUMB_S.jpg"), "x");
        String[][] commands = {
            {"detect", "--detector", DETECTOR.toString(), "--json"},
            {
                "align",
                "--detector",
                DETECTOR.toString(),
                "--json",
                "--out",
                folder.resolve("out").toString()
            },
            {"embed", "--detector", DETECTOR.toString(), "--json", "--model", model.toString()}
        };
        for (String[] command : commands) {
            List<Object> words = new ArrayList<>(List.of((Object[]) command));
            words.addAll(List.of(phone, mixed));
            Cli.Result result = Cli.run(words.toArray());
            assertThat(result.code()).as(result.err()).isZero();
            assertThat(result.err())
                    .contains("folder " + phone + " must have images in it, but has only 1 AVIF image, 1 HEIC image,"
                            + " which cannot be read; convert them to JPEG")
                    .contains("passed over: 1 HEIC image (convert them to JPEG), 1 hidden or system folder, 1 hidden or"
                            + " system file");
            assertThat(result.json().get("images")).hasSize(1);

            words.remove(mixed);
            Cli.Result nothing = Cli.run(words.toArray());
            assertThat(nothing.code()).isEqualTo(1);
            assertThat(nothing.err()).contains("error: folder " + phone + " must have images in it, but has only 1");
        }
        Path heic = Files.writeString(folder.resolve("named.jpg"), "\0\0\0\34ftypheic\0\0\0\0mif1heicmiaf");
        assertThat(Cli.run("embed", "--model", model, heic).err())
                .contains("image " + heic + " is a HEIC image, as iPhones write it, which cannot be read; convert it to"
                        + " JPEG");
    }

    @Test
    void takesAFetchedDetectorFromTheCache() throws Exception {
        byte[] bytes = Files.readAllBytes(DETECTOR);
        String sum =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        assertThat(sum).isNotEqualTo(RemoteFile.faceDetector().sha256());
        assertThat(RemoteFile.faceDetector().sha256()).hasSize(64);
        Path shared = Path.of(System.getenv().getOrDefault("FACERECOGNITION_SHARED", "../../shared"))
                .resolve("weights/yunet/yunet_s_640_640.onnx");
        assumeTrue(Files.exists(shared), "skipped: " + shared + " is not there");
        Path cached = folder.resolve("cache/8f2383e4/face_detection_yunet_2023mar.onnx");
        Files.createDirectories(cached.getParent());
        Files.copy(shared, cached);
        Cli.Result result = Cli.run("detect", "--detector", "fetch", "--detector-cache", folder.resolve("cache"), one);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).doesNotContain("fetching").contains("0 faces in 1 images");
    }

    /** Earlier, the first image without a face ended the command. */
    @Test
    void embedLeavesOutWhatItCannotUse() {
        Cli.Result result = Cli.run("embed", one, noFace, both, "--model", model, "--detector", DETECTOR, "--json");
        assertThat(result.code()).isEqualTo(Main.FAILED);
        assertThat(result.err()).contains("2 of 3 images were embedded", "image " + noFace + " must show a face");
        assertThat(result.json().get("images")).extracting(JsonNode::asText).containsExactly("" + one, "" + both);
        assertThat(result.json().get("embeddings")).hasSize(2);
        assertThat(result.json().get("left_out").fieldNames()).toIterable().containsExactly("" + noFace);
        Cli.Result lines = Cli.run("embed", one, noFace, both, "--model", model, "--detector", DETECTOR);
        assertThat(lines.out().lines()).hasSize(2).first().asString().startsWith(one + "\t[");
    }

    @Test
    void alignKeepsTheStructureOfFolders() throws IOException {
        Path out = folder.resolve("crops");
        Cli.Result result = Cli.run("align", "--detector", DETECTOR, folder.resolve("photos"), "--out", out, "--json");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).contains("no face was found in " + noFace, "2 crops of 3 images in " + out);
        assertThat(result.json().get("crops").asInt()).isEqualTo(2);
        BufferedImage crop = ImageIO.read(out.resolve("ann/1.png").toFile());
        assertThat(crop.getWidth()).isEqualTo(112);
        Color middle = new Color(crop.getRGB(56, 66)); // the square is above the nose
        assertThat(middle.getRed()).isGreaterThan(200);
        assertThat(middle.getBlue()).isLessThan(50);
        assertThat(new Color(ImageIO.read(out.resolve("bob/1.png").toFile()).getRGB(56, 66)).getBlue())
                .as("the most prominent face")
                .isGreaterThan(200);

        Path narrow = folder.resolve("narrow");
        Cli.run("align", "--detector", DETECTOR, both, "--out", narrow, "--size", "96x112", "--all");
        assertThat(ImageIO.read(narrow.resolve("1-2.png").toFile()).getWidth()).isEqualTo(96);
        assertThat(Cli.run("align", "--detector", DETECTOR, both, "--out", narrow, "--size", "big")
                        .err())
                .contains("--size must be a number of pixels or 96x112, but was big");

        Path wide = folder.resolve("wide");
        Path square = folder.resolve("square");
        Cli.run("align", "--detector", DETECTOR, both, "--out", wide, "--size", 128, "--wide");
        Cli.run("align", "--detector", DETECTOR, both, "--out", square, "--size", 128);
        assertThat(wide.resolve("1.png")).exists();
        assertThat(Files.mismatch(wide.resolve("1.png"), square.resolve("1.png")))
                .isNotNegative();
        assertThat(Cli.run("align", "--detector", DETECTOR, both, "--out", narrow, "--size", "96x112", "--wide")
                        .err())
                .contains("--wide must go with a square --size, but that was 96x112");
    }

    /** Earlier, the crop of a bystander was written instead, to be enrolled or trained on as the person. */
    @Test
    void alignPassesOverAnImageWhoseMostProminentFaceCannotBeUsed() throws IOException {
        Path detector = Photos.detectorOfImplausibleFaces(folder);
        Path out = folder.resolve("crops");
        assertThat(Cli.run("embed", both, "--model", model, "--detector", detector)
                        .err())
                .contains("image " + both + " shows a face whose five landmarks cannot be a face's");
        Cli.Result result = Cli.run("align", both, one, "--detector", detector, "--out", out);
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.out().lines()).containsExactly(both + "\tno face", one + "\t" + out.resolve("1-png.png"));
        assertThat(result.err()).contains("the most prominent face in " + both + " cannot be used", "1 crops of 2");
        assertThat(out.resolve("1.png")).doesNotExist();
        Cli.Result all = Cli.run("align", "--all", both, "--detector", detector, "--out", out);
        assertThat(all.out().lines()).containsExactly(both + "\t" + out.resolve("1-1.png"));
    }

    /** Crops and marked copies once replaced photographs of the same names. */
    @Test
    void replacesNoPhotograph() throws IOException {
        assumeTrue(FileNames.isUnicode(FileNames.charset()), "needs file names in Unicode");
        byte[] before = Files.readAllBytes(one);
        Path photos = folder.resolve("photos");
        Path numbered = photograph("photos/bob/2-1.png", true, false);
        photograph("photos/\u0130brahim/\u0130\u0130\u0130\u0130\u0130.png", true, false); // longer in lower case
        Path linked = Files.createDirectory(folder.resolve("linked"));
        Files.createSymbolicLink(linked.resolve("ann"), one.getParent());
        Path link = Files.createSymbolicLink(linked.resolve("1.png"), one);
        for (Object[] words : new Object[][] {
            {"align", photos, "--out", photos},
            {"align", "--all", photos, "--out", photos},
            {"detect", photos, "--out", folder.resolve("photos/../photos")},
            {"align", one, "--out", one.getParent()},
            {"align", photos.resolve("\u0130brahim"), "--out", photos.resolve("\u0130brahim")},
            {"align", photos, "--out", linked},
            {"align", link, "--out", linked},
            {"detect", link, "--out", linked}
        }) {
            Object[] all = Arrays.copyOf(words, words.length + 2);
            all[words.length] = "--detector";
            all[words.length + 1] = DETECTOR;
            Cli.Result result = Cli.run(all);
            assertThat(result.code()).as(result.err()).isEqualTo(2);
            assertThat(result.err()).contains("--out must be a folder in which no photograph is replaced, but ");
        }
        assertThat(Cli.run("align", "--all", photos, "--out", photos, "--detector", DETECTOR)
                        .err())
                .contains(numbered.toString());
        assertThat(Files.readAllBytes(one)).isEqualTo(before);
        Path jpeg = Files.copy(one, folder.resolve("photos/ann/2.jpg"));
        assertThat(Cli.run("align", jpeg, "--out", jpeg.getParent(), "--detector", DETECTOR)
                        .code())
                .isZero();
        assertThat(jpeg.resolveSibling("2.png")).exists();
    }

    private static void assertReplacesNone(Path photograph, Object... words) throws IOException {
        byte[] before = Files.readAllBytes(photograph);
        Cli.Result result = Cli.run(words);
        assertThat(result.code()).as(result.err()).isEqualTo(2);
        assertThat(result.err())
                .contains("--out must be a folder in which no photograph is replaced, but ", photograph.toString());
        assertThat(Files.readAllBytes(photograph)).isEqualTo(before);
    }

    /** Images that were not among the arguments were replaced. */
    @Test
    void replacesNoPhotographBesideThoseGiven() throws IOException {
        Path other = photograph("photos/ann/3.png", true, false);
        Path jpeg = Files.copy(one, other.resolveSibling("3.jpg"));
        Path ann = other.getParent();
        assertReplacesNone(other, "align", jpeg, "--out", ann, "--detector", DETECTOR);
        assertReplacesNone(other, "detect", jpeg, "--out", ann, "--detector", DETECTOR);
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Path link = Files.createSymbolicLink(elsewhere.resolve("3.jpg"), jpeg);
        assertReplacesNone(other, "detect", link, "--out", ann, "--detector", DETECTOR);

        Path target = photograph("originals/x.png", true, false);
        Path out = Files.createDirectory(folder.resolve("out"));
        Files.createSymbolicLink(out.resolve("3.png"), target);
        assertReplacesNone(target, "align", jpeg, "--out", out, "--detector", DETECTOR);
        assertReplacesNone(target, "detect", jpeg, "--out", out, "--detector", DETECTOR);

        Path upper = photograph("same/A.png", true, false); // given beside a file of the same name but for case
        Path lower = photograph("same/a.png", true, false);
        assertReplacesNone(upper, "align", upper, lower, "--out", upper.getParent(), "--detector", DETECTOR);
    }

    @Test
    void repeatsACommandIntoItsFolder() throws IOException {
        Path photos = folder.resolve("photos");
        for (String command : List.of("align", "detect")) {
            for (int i = 0; i < 2; i++) {
                Cli.Result result = Cli.run(command, photos, "--out", folder.resolve(command), "--detector", DETECTOR);
                assertThat(result.code()).as(result.err()).isZero();
            }
        }
        Path jpeg = Files.copy(one, folder.resolve("photos/ann/2.jpg"));
        Object[] align = {"align", jpeg, "--out", jpeg.getParent(), "--detector", DETECTOR};
        for (int i = 0; i < 2; i++) {
            assertThat(Cli.run(align).code()).as("the second replaces a crop").isZero();
        }
        Path crop = jpeg.resolveSibling("2.png");
        Object[] narrow = {"align", jpeg, "--out", jpeg.getParent(), "--detector", DETECTOR, "--size", "96x112"};
        assertReplacesNone(crop, narrow);
        Path copy = Files.copy(one, folder.resolve("photos/bob/5.jpg"));
        Object[] detect = {"detect", copy, "--out", copy.getParent(), "--detector", DETECTOR};
        assertThat(Cli.run(detect).code()).isZero();
        assertReplacesNone(copy.resolveSibling("5.png"), detect); // which nothing tells from a photograph
    }

    /** Earlier, the command ended at the first, without a summary. */
    @Test
    void continuesAfterAResultThatCannotBeWritten() throws IOException {
        Path two = photograph("two.png", true, false);
        for (String command : List.of("align", "detect")) {
            Path out = folder.resolve(command);
            Path crop = out.resolve("1.png");
            Files.createDirectories(crop);
            Cli.Result result = Cli.run(command, one, two, "--out", out, "--detector", DETECTOR, "--json");
            assertThat(result.code()).isEqualTo(1);
            assertThat(result.err())
                    .contains("image " + one + " lacks a result, since " + crop + " cannot be written: it is a folder;"
                            + " rename the image, remove what is in the way, or choose another folder")
                    .contains("1 images", "; 1 image could not be used")
                    .doesNotContain("error:");
            assertThat(result.json().get("images")).hasSize(1);
            assertThat(result.json().at("/images/0/image").asText()).isEqualTo(two.toString());
            assertThat(out.resolve("two.png")).isRegularFile();
            try (Stream<Path> all = Files.list(out)) {
                assertThat(all).hasSize(2);
            }
        }
        Path people = Files.createDirectory(folder.resolve("people"));
        Files.writeString(people.resolve("ann"), "a file in the place of her folder");
        Cli.Result result = Cli.run("align", folder.resolve("photos"), "--out", people, "--detector", DETECTOR);
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.err()).contains("1 crops of 2 images in " + people + "; 1 image could not be used");
        assertThat(people.resolve("bob/1.png")).exists();

        Path longName = photograph("n".repeat(250) + ".png", true, false); // a crop has six more bytes than 250
        Path numbered = folder.resolve("numbered");
        Cli.Result all = Cli.run("align", "--all", longName, two, "--out", numbered, "--detector", DETECTOR);
        assertThat(all.code()).isEqualTo(1);
        assertThat(all.err()).contains("image " + longName + " lacks a result, since ", "; 1 image could not be used");
        assertThat(all.out().lines()).containsExactly(two + "\t" + numbered.resolve("two-1.png"));

        Path file = Files.writeString(folder.resolve("file"), "where no result can be written");
        Cli.Result none = Cli.run("align", one, two, "--out", file, "--detector", DETECTOR, "--json");
        assertThat(none.code()).isEqualTo(1);
        assertThat(none.err())
                .contains("0 crops of 0 images in " + file, "error: cannot write " + file.resolve("1.png"))
                .doesNotContain(two.toString());
        assertThat(none.json().get("images")).isEmpty();
    }

    /** Earlier, a face that embed, verify and align call unusable was none, and a larger --max-side was suggested. */
    @Test
    void identifySaysThatAFaceCannotBeUsed() throws IOException {
        Path unusable = photograph("blue.png", false, true);
        Path gallery = folder.resolve("people.gallery");
        Object[] options = {
            "--gallery", gallery, "--model", model, "--detector", Photos.detectorOfImplausibleFaces(folder)
        };
        assertThat(Cli.run(words("gallery enroll Ann", one, options)).code()).isZero();
        Cli.Result result = Cli.run(words("gallery identify", unusable, options, "--threshold", 0.5));
        assertThat(result.out().lines()).containsExactly(unusable + "\tno face");
        assertThat(result.err().lines()).contains(NoFace.unusable(unusable));
    }

    @Test
    void embedReturnsTheLibrarysEmbeddings() {
        JsonNode embeddings = Cli.run("embed", one, both, "--model", model, "--detector", DETECTOR, "--json")
                .json()
                .get("embeddings");
        try (Recognizer recognizer = Recognizer.load(model);
                FaceDetector finder = FaceDetector.open(DETECTOR)) {
            recognizer.useDetector(finder);
            for (int i = 0; i < 2; i++) {
                float[] embedding = recognizer.embed(i == 0 ? one : both);
                for (int d = 0; d < embedding.length; d++) {
                    assertThat((float) embeddings.get(i).get(d).asDouble()).isEqualTo(embedding[d]);
                }
            }
        }
    }

    @Test
    void verifyDecidesByTheThreshold() throws IOException {
        Object[] detector = {"--detector", DETECTOR};

        Cli.Result same = Cli.run("verify", one, one, "--model", model, detector[0], detector[1], "--threshold", 0.9);
        assertThat(same.code()).as(same.err()).isZero();
        assertThat(same.out()).matches("the same person: cosine (1\\.0000|0\\.9999), threshold 0\\.9000\\R");

        Cli.Result other =
                Cli.run("verify", one, both, "--model", model, detector[0], detector[1], "--threshold", 1, "--json");
        assertThat(other.code()).as(other.err()).isZero();
        JsonNode json = other.json();
        assertThat(json.get("same").asBoolean()).isFalse();
        assertThat(json.get("false_accept_rate").isNull()).isTrue();
        try (Recognizer recognizer = Recognizer.load(model);
                FaceDetector finder = FaceDetector.open(DETECTOR)) {
            recognizer.useDetector(finder);
            recognizer.useFlip(true);
            double cosine = Recognizer.similarity(recognizer.embed(one), recognizer.embed(both));
            assertThat(json.get("cosine").asDouble()).isCloseTo(cosine, within(1e-5));
        }

        Cli.Result none = Cli.run("verify", one, both, "--model", model, detector[0], detector[1]);
        assertThat(none.code()).isEqualTo(1);
        assertThat(none.err())
                .contains("false accept rate of 0.001 must have been calibrated, but this model has none");
        Cli.Result missing =
                Cli.run("verify", one, noFace, "--model", model, detector[0], detector[1], "--threshold", 0.5);
        assertThat(missing.code()).isEqualTo(1);
        assertThat(missing.err()).contains("image " + noFace + " must show a face, but none was found");
        assertThat(Cli.run("verify", one, both, "--model", model, "--threshold", 0.5, "--far", 0.1)
                        .code())
                .as("--threshold excludes --far")
                .isEqualTo(2);
    }

    @Test
    void calibratedModelsVerifyByFalseAcceptRate() {
        Map<Double, Double> thresholds;
        try (Recognizer recognizer = Recognizer.load(calibrated)) {
            recognizer.useFlip(true); // as in the calibration
            thresholds = recognizer.thresholds();
        }
        Path first = faces.resolve("person0/0.png");
        Cli.Result usual = Cli.run("verify", first, first, "--model", calibrated, "--json");
        assertThat(usual.json().get("threshold").asDouble()).isEqualTo(thresholds.get(0.001));
        assertThat(usual.json().get("false_accept_rate").asDouble()).isEqualTo(0.001);
        Cli.Result asked = Cli.run("verify", first, first, "--model", calibrated, "--far", 0.01);
        assertThat(asked.out()).contains(", false accept rate 0.01");
    }

    @Test
    void embedAddsMirrorImages() {
        Cli.Result result = Cli.run("embed", "--model", model, "--detector", DETECTOR, "--flip", "--json", one, both);
        assertThat(result.code()).as(result.err()).isZero();
        JsonNode found = result.json().get("embeddings").get(1);
        try (Recognizer recognizer = Recognizer.load(model);
                FaceDetector finder = FaceDetector.open(DETECTOR)) {
            recognizer.useDetector(finder);
            recognizer.useFlip(true);
            float[] expected = recognizer.embed(List.of(one, both)).get(1);
            for (int i = 0; i < expected.length; i++) {
                assertThat((float) found.get(i).asDouble()).isEqualTo(expected[i]);
            }
        }
    }

    /** A name with a line break could pass for the line of another image. */
    @Test
    void namesOfFilesAreOneFieldOfOneLine() throws IOException {
        Path odd = folder.resolve("a\nb.png\tforged\u001b[31m.png");
        Files.copy(one, odd);
        Cli.Result detected = Cli.run("detect", "--detector", DETECTOR, odd);
        assertThat(detected.out().lines()).hasSize(1);
        assertThat(detected.out()).contains("a?b.png?forged?[31m.png\t").doesNotContain("\u001b");
        Cli.Result embedded = Cli.run("embed", "--model", model, "--detector", DETECTOR, odd);
        assertThat(embedded.out().lines()).hasSize(1);
        assertThat(embedded.out()).contains("a?b.png?forged?[31m.png\t");
        Cli.Result aligned = Cli.run("align", "--detector", DETECTOR, odd, "--out", folder.resolve("crops"));
        assertThat(aligned.out().lines()).hasSize(1);
        assertThat(aligned.out()).contains("a?b.png?forged?[31m.png\t").doesNotContain("\u001b");
    }
}
