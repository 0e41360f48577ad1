package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.examples.Main;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeOptions;

/**
 * Makes the images of the READMEs, in {@code .github/images}, from synthetic faces. Runs only on demand:
 *
 * <pre>{@code
 * mvn test -pl examples -am -Dsurefire.failIfNoSpecifiedTests=false -Dtest=ReadmeImagesTest \
 *     -Dimages.weights=mobilefacenet.pt -Dimages.detector=face_detection_yunet_2023mar.onnx
 * }</pre>
 *
 * It needs Chromium and its driver. The chart of speeds is made by {@code benchmarks.jar all}.
 */
@EnabledIfSystemProperty(named = "images.weights", matches = ".+", disabledReason = "makes images, on demand only")
class ReadmeImagesTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Path IMAGES = ROOT.resolve(".github/images");
    private static final int WIDTH = 900;
    private static final Pattern CHART = Pattern.compile("data:image/png;base64,([^\"]+)\" alt=\"(\\w+)");

    @TempDir
    Path folder;

    private ChromeDriver browser;

    @BeforeEach
    void open() throws IOException {
        Files.createDirectories(IMAGES);
        ChromeOptions options = new ChromeOptions();
        options.addArguments("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars");
        browser = new ChromeDriver(options);
        browser.manage().timeouts().implicitlyWait(Duration.ofSeconds(30));
    }

    @AfterEach
    void quit() {
        browser.quit();
    }

    @Test
    void report() throws Exception {
        Path demo = folder.resolve("demo");
        assertThat(start("demo", "--out", demo).waitFor()).isZero();
        Path report = demo.resolve("report.html");
        Matcher chart = CHART.matcher(Files.readString(report));
        while (chart.find()) {
            String name = chart.group(2).toLowerCase(Locale.ROOT);
            if (name.equals("roc") || name.equals("det")) {
                Files.write(IMAGES.resolve(name + ".png"), Base64.getDecoder().decode(chart.group(1)));
            }
        }
        browser.manage().window().setSize(new Dimension(1380, 1830));
        browser.get(report.toUri().toString());
        screenshot("report");
    }

    @Test
    void augmentations() throws Exception {
        faces(112, 2, 4, folder.resolve("people"));
        Path sheet = folder.resolve("sheet.png");
        assertThat(start("augment", "--data", folder.resolve("people"), "--images", 3, "--out", sheet)
                        .waitFor())
                .isZero();
        write("augmentations", ImageIO.read(sheet.toFile()));
    }

    @Test
    void page() throws Exception {
        Path people = folder.resolve("people");
        faces(320, 4, 3, people);
        Process server = start(
                "serve",
                "--model",
                Path.of(System.getProperty("images.weights")).toAbsolutePath(),
                "--encoder",
                "mobilefacenet",
                "--detector",
                Path.of(System.getProperty("images.detector")).toAbsolutePath(),
                "--threshold",
                0.45,
                "--port",
                0);
        try (BufferedReader lines = server.errorReader()) {
            String line = lines.readLine();
            while (!line.startsWith("open http")) {
                line = lines.readLine();
            }
            browser.manage().window().setSize(new Dimension(WIDTH, 1250));
            browser.get(line.split(" ")[1]);
            for (int person = 0; person < 3; person++) {
                browser.findElement(By.cssSelector("#name")).clear();
                browser.findElement(By.cssSelector("#name")).sendKeys("Synthetic person " + (person + 1));
                submit("#enroll", 0, image(people, person, 0), "is enrolled");
            }
            submit("#identify", 0, image(people, 1, 1), "threshold");
            submit("#compare", 0, image(people, 0, 1), "");
            submit("#compare", 1, image(people, 0, 2), "threshold");
            browser.executeScript("document.querySelector('#compare').scrollIntoView()");
            for (String scheme : List.of("light", "dark")) {
                browser.executeCdpCommand(
                        "Emulation.setEmulatedMedia",
                        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
                Thread.sleep(500);
                screenshot("page-" + scheme);
            }
        } finally {
            server.destroy();
            server.waitFor(60, TimeUnit.SECONDS);
        }
    }

    private Process start(Object... words) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        for (Object word : words) {
            command.add(word.toString());
        }
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.INHERIT);
        return (words[0].equals("serve") ? builder : builder.redirectError(ProcessBuilder.Redirect.INHERIT)).start();
    }

    private static void faces(int sizePx, int people, int imagesEach, Path root) throws IOException {
        SyntheticFaces faces = new SyntheticFaces(7, sizePx);
        for (int person = 0; person < people; person++) {
            Files.createDirectories(root.resolve("person" + person));
            for (int i = 0; i < imagesEach; i++) {
                try (Mat rgb = faces.image(person, i);
                        Mat bgr = new Mat()) {
                    opencv_imgproc.cvtColor(rgb, bgr, opencv_imgproc.COLOR_RGB2BGR);
                    opencv_imgcodecs.imwrite(image(root, person, i).toString(), bgr);
                }
            }
        }
    }

    private static Path image(Path root, int person, int index) {
        return root.resolve("person" + person).resolve(index + ".png");
    }

    private void submit(String section, int picker, Path file, String expected) throws InterruptedException {
        browser.findElements(By.cssSelector(section + " input[type=file]"))
                .get(picker)
                .sendKeys(file.toString());
        if (expected.isEmpty()) {
            return;
        }
        browser.findElement(By.cssSelector(section + " button.main")).click();
        for (int i = 0; i < 100; i++) {
            String answer = String.valueOf(browser.executeScript(
                    "return document.querySelector(arguments[0]).innerText", section + " .answer"));
            if (answer.contains(expected)) {
                return;
            }
            Thread.sleep(100);
        }
        throw new AssertionError(section + " does not answer " + expected);
    }

    private void screenshot(String name) throws IOException {
        write(name, ImageIO.read(new ByteArrayInputStream(browser.getScreenshotAs(OutputType.BYTES))));
    }

    /** Writes an image of at most {@link #WIDTH} pixels as JPEG, which is smaller for faces. */
    private static void write(String name, BufferedImage image) throws IOException {
        int width = Math.min(WIDTH, image.getWidth());
        int height = image.getHeight() * width / image.getWidth();
        BufferedImage small = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = small.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
        graphics.drawImage(image, 0, 0, width, height, Color.WHITE, null);
        graphics.dispose();
        ImageIO.write(small, "jpg", IMAGES.resolve(name + ".jpg").toFile());
    }
}
