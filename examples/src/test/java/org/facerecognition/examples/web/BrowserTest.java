package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Level;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/**
 * The page in headless Chromium, with a fake camera that plays a file. The class is skipped if Chromium or its driver
 * is missing; Debian has them in the packages chromium and chromium-driver. Screenshots are written to
 * target/screenshots.
 */
class BrowserTest {
    private static final Path SCREENSHOTS = Path.of("target/screenshots");
    private static final long TIMEOUT_MS = 20_000;

    @TempDir
    static Path folder;

    private static TestServer server;
    private static ChromeDriver browser;

    @BeforeAll
    static void open() throws IOException {
        Optional<File> chromium = program("chromium");
        Optional<File> driver = program("chromedriver");
        assumeTrue(
                chromium.isPresent() && driver.isPresent(),
                "chromium and chromedriver must be on the PATH; apt-get install chromium chromium-driver");
        ChromeOptions options = new ChromeOptions();
        options.setBinary(chromium.get());
        options.addArguments(
                "--headless=new",
                "--no-sandbox", // continuous integration runs as root in a container
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--force-color-profile=srgb",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                "--use-file-for-fake-video-capture=" + fakeCamera());
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        logs.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        System.setProperty(
                ChromeDriverService.CHROME_DRIVER_EXE_PROPERTY, driver.get().toString()); // else Selenium downloads one
        browser = new ChromeDriver(options);
        browser.manage().timeouts().pageLoadTimeout(Duration.ofSeconds(60));
        server = new TestServer(64);
        Files.createDirectories(SCREENSHOTS);
    }

    @AfterAll
    static void quit() {
        if (browser != null) {
            browser.quit();
        }
        if (server != null) {
            server.close();
        }
    }

    private static Optional<File> program(String name) {
        return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                .map(folder -> new File(folder, name))
                .filter(File::canExecute)
                .findFirst();
    }

    /** Writes a film of Ann of one second as YUV4MPEG2, the format that Chromium accepts as a fake camera. */
    private static Path fakeCamera() throws IOException {
        BufferedImage image = Photos.image(9, Photos.ANN);
        int width = image.getWidth();
        int height = image.getHeight();
        byte[] luma = new byte[width * height];
        byte[] blue = new byte[width * height / 4];
        byte[] red = new byte[width * height / 4];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int rgb = image.getRGB(x, y);
                double r = rgb >> 16 & 255;
                double g = rgb >> 8 & 255;
                double b = rgb & 255;
                luma[y * width + x] = (byte) Math.round(16 + 0.257 * r + 0.504 * g + 0.098 * b);
                int half = y / 2 * (width / 2) + x / 2;
                blue[half] = (byte) Math.round(128 - 0.148 * r - 0.291 * g + 0.439 * b);
                red[half] = (byte) Math.round(128 + 0.439 * r - 0.368 * g - 0.071 * b);
            }
        }
        ByteArrayOutputStream film = new ByteArrayOutputStream();
        film.write(
                ("YUV4MPEG2 W" + width + " H" + height + " F10:1 Ip A1:1 C420\n").getBytes(StandardCharsets.US_ASCII));
        for (int frame = 0; frame < 10; frame++) {
            film.write("FRAME\n".getBytes(StandardCharsets.US_ASCII));
            film.write(luma);
            film.write(blue);
            film.write(red);
        }
        return Files.write(folder.resolve("camera.y4m"), film.toByteArray());
    }

    @BeforeEach
    void load() {
        server.gallery.entries().forEach(entry -> server.gallery.remove(entry.id()));
        browser.manage().window().setSize(new Dimension(1200, 1000));
        browser.get(server.url() + "/");
        waitFor("the threshold", () -> text("#threshold").contains("0.500"));
    }

    // ---- helpers ----

    private interface Condition {
        boolean holds();
    }

    private static void waitFor(String what, Condition condition) {
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        while (!condition.holds()) {
            assertThat(System.currentTimeMillis())
                    .as(() -> "waiting for " + what + "; the page shows " + text("main"))
                    .isLessThan(deadline);
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static WebElement find(String selector) {
        return browser.findElement(By.cssSelector(selector));
    }

    private static String text(String selector) {
        return String.valueOf(browser.executeScript("return document.querySelector(arguments[0]).innerText", selector));
    }

    private static Path file(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes).toAbsolutePath();
    }

    private static void choose(String section, int picker, Path file) {
        browser.findElements(By.cssSelector(section + " input[type=file]"))
                .get(picker)
                .sendKeys(file.toString());
    }

    private static String submit(String section, String expected) {
        find(section + " button.main").click();
        waitFor(expected, () -> text(section + " .answer").contains(expected));
        return text(section + " .answer");
    }

    private static void enroll(String name, byte[] image) throws IOException {
        find("#name").clear();
        find("#name").sendKeys(name);
        choose("#enroll", 0, file("enroll.png", image));
        submit("#enroll", name + " is enrolled");
    }

    /** Captures the whole page. */
    private static void screenshot(String name) throws IOException {
        long height = ((Number) browser.executeScript("return document.documentElement.scrollHeight")).longValue();
        Dimension before = browser.manage().window().getSize();
        browser.manage().window().setSize(new Dimension(before.width, (int) Math.min(4000, height + 150)));
        Files.write(SCREENSHOTS.resolve(name + ".png"), browser.getScreenshotAs(OutputType.BYTES));
        browser.manage().window().setSize(before);
    }

    /** Presses a key on the element that has the focus. */
    private static void press(Keys key) {
        new Actions(browser).sendKeys(key).perform();
    }

    /** Returns the accessible name, or failing that the type, of the element that has the focus. */
    private static String focused() {
        return String.valueOf(browser.executeScript("const e = document.activeElement;"
                + "return e.getAttribute('aria-label') || e.name || e.innerText.trim() || e.type || e.tagName"));
    }

    // ---- tests ----

    @Test
    void enrollsIdentifiesComparesAndRemoves() throws IOException {
        enroll("Ann", Photos.of(1, Photos.ANN));
        enroll("Bob", Photos.of(2, Photos.BOB));
        assertThat(text("#gallery-count")).isEqualTo("2 entries.");

        choose("#identify", 0, file("group.png", Photos.of(3, Photos.BOB, Photos.CLEO)));
        String identified = submit("#identify", "threshold");
        assertThat(identified).contains("Bob", "Unknown", "The most similar person is", "threshold 0.500");
        assertThat(browser.findElements(By.cssSelector("#identify .box"))).hasSize(2);

        choose("#compare", 0, file("first.png", Photos.of(4, Photos.ANN)));
        choose("#compare", 1, file("second.png", Photos.of(5, Photos.ANN)));
        assertThat(submit("#compare", "threshold")).contains("Same person", "threshold 0.500");
        choose("#compare", 1, file("third.png", Photos.of(5, Photos.BOB)));
        assertThat(submit("#compare", "Different people")).contains("Cosine -");
        waitFor(
                "the thumbnails of the gallery",
                () -> Boolean.TRUE.equals(browser.executeScript("return [...document.querySelectorAll('#gallery img')]"
                        + ".every(i => i.complete && i.naturalWidth == 112)")));
        screenshot("light");
        setDarkMode(true);
        screenshot("dark");
        setDarkMode(false);
        browser.manage().window().setSize(new Dimension(500, 1000));
        screenshot("narrow");

        find("#gallery button[aria-label^='Remove Bob']").click();
        browser.switchTo().alert().accept();
        waitFor("the removal", () -> text("#gallery .answer").contains("was removed"));
        assertThat(text("#gallery-count")).isEqualTo("1 entry.");
        assertThat(server.gallery.identities()).containsOnlyKeys("Ann");
    }

    /** Removes an entry through the page, then searches every byte of the gallery's folder on the disk. */
    @Test
    void erasesRemovedEntriesFromTheDisk() throws IOException {
        Path stored = Files.createDirectory(folder.resolve("stored"));
        Path gallery = stored.resolve("people.gallery");
        try (TestServer onDisk = new TestServer(64, gallery)) {
            browser.get(onDisk.url() + "/");
            waitFor("the threshold", () -> text("#threshold").contains("0.500"));
            enroll("Bartholomew", Photos.of(1, Photos.BOB));
            Path faces = stored.resolve("people.gallery.faces");
            Path face;
            try (Stream<Path> files = Files.list(faces)) {
                face = files.findFirst().orElseThrow();
            }
            byte[] thumbnail = Files.readAllBytes(face);
            assertThat(filesWith(stored, "Bartholomew".getBytes(StandardCharsets.UTF_8)))
                    .containsExactly(gallery);
            enroll("Ann", Photos.of(2, Photos.ANN));

            find("#gallery button[aria-label^='Remove Bartholomew']").click();
            browser.switchTo().alert().accept();
            waitFor("the removal", () -> text("#gallery .answer").contains("was removed"));

            assertThat(filesWith(stored, thumbnail)).isEmpty();
            assertThat(face).doesNotExist();
            assertThat(filesWith(stored, "Bartholomew".getBytes(StandardCharsets.UTF_8)))
                    .isEmpty();
        }
    }

    /** Returns the files in a folder, at any depth, whose content includes the given bytes. */
    private static List<Path> filesWith(Path folder, byte[] bytes) throws IOException {
        String needle = new String(bytes, StandardCharsets.ISO_8859_1); // one character per byte
        List<Path> found = new ArrayList<>();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                if (Files.readString(file, StandardCharsets.ISO_8859_1).contains(needle)) {
                    found.add(file);
                }
            }
        }
        return found;
    }

    private static void setDarkMode(boolean dark) {
        browser.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    }

    @Test
    void explainsWhyAnImageIsRejected() throws IOException {
        assertThat(submit("#identify", "missing")).contains("The image is missing; choose a file or use the camera.");
        choose("#identify", 0, file("no-face.png", Photos.withoutFace()));
        assertThat(submit("#identify", "must show a face")).contains("The image sent", "320x240 pixels");
        choose("#identify", 0, file("text.jpg", "no image".getBytes(StandardCharsets.UTF_8)));
        assertThat(submit("#identify", "must be a JPEG")).contains("its content is none of these, whatever its name.");
        choose("#identify", 0, file("large.jpg", Arrays.copyOf(Photos.of(1, Photos.ANN), 50 << 20)));
        assertThat(submit("#identify", "at most 10 MB")).contains("but was 50 MB; reduce its size.");
        Path deleted = file("deleted.png", Photos.of(1, Photos.ANN));
        choose("#identify", 0, deleted);
        Files.delete(deleted);
        assertThat(submit("#identify", "cannot be read")).contains("it may have been changed since: choose it again.");
        screenshot("error");
    }

    /** Earlier, boxes were drawn over another image, and an image that was selected meanwhile was discarded. */
    @Test
    void appliesALateAnswerOnlyToTheImageThatWasSent() throws IOException {
        Path later = file("later.png", Photos.of(4, Photos.CLEO));
        CountDownLatch selected = new CountDownLatch(1);
        server.beforeAnswering = () -> await(selected);
        try {
            find("#name").sendKeys("Ann");
            for (String section : List.of("#identify", "#enroll")) {
                choose(section, 0, file("sent.png", Photos.of(1, Photos.ANN)));
                find(section + " button.main").click();
                waitFor("the request", () -> text(section + " .answer").contains("ing…"));
                choose(section, 0, later);
            }
            selected.countDown();
            waitFor("the first answer", () -> !text("#identify .answer").contains("Identifying…"));
            waitFor("the second answer", () -> text("#enroll .answer").contains("Ann is enrolled"));
        } finally {
            selected.countDown();
            server.beforeAnswering = () -> {};
        }
        assertThat(browser.findElements(By.cssSelector("#identify .box"))).isEmpty();
        assertThat(browser.executeScript("return document.querySelector('#enroll input[type=file]').files[0]?.name"))
                .isEqualTo("later.png");
    }

    private static void await(CountDownLatch event) {
        try {
            event.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Earlier, it looked as if the face was not enrolled. */
    @Test
    void reportsAGalleryThatCannotBeListedInItsOwnSection() throws IOException {
        server.beforeListing = () -> {
            throw new IllegalStateException("the gallery cannot be listed");
        };
        try {
            enroll("Ann", Photos.of(1, Photos.ANN));
            assertThat(text("#gallery .answer")).startsWith("Error: ");
        } finally {
            server.beforeListing = () -> {};
        }
    }

    /** The browser must read the response even though the server rejects the body before it has received it. */
    @Test
    void receivesTheServersRejectionOfALargeUpload() {
        Object status = browser.executeAsyncScript("const done = arguments[0];"
                + "fetch('/api/identify', {method: 'POST', headers: {'X-Face-Page': '1'},"
                + " body: new Blob([new Uint8Array(50 << 20)])})"
                + ".then(async r => done(r.status + ' ' + (await r.json()).error), e => done(String(e)))");
        assertThat(status).isEqualTo("413 an image must be at most 10 MB, but was 50 MB; reduce its size");
    }

    @Test
    void usesTheCameraByKeyboardAlone() throws IOException {
        find("#name").sendKeys("Ann");
        press(Keys.TAB); // to the file input
        assertThat(focused()).isEqualTo("file");
        press(Keys.TAB);
        assertThat(focused()).isEqualTo("Image: use camera");
        press(Keys.ENTER);
        waitFor("the camera", () -> focused().equals("Take photo"));
        screenshot("camera");
        press(Keys.ENTER);
        waitFor("the dialog to close", () -> focused().equals("Image: use camera"));
        press(Keys.TAB);
        assertThat(focused()).isEqualTo("Enroll");
        press(Keys.ENTER);
        waitFor("the enrollment", () -> text("#enroll .answer").contains("Ann is enrolled"));
        assertThat(focused()).as("focus after the form was submitted").isEqualTo("Enroll");
        choose("#identify", 0, file("ann.png", Photos.of(1, Photos.ANN)));
        assertThat(submit("#identify", "threshold")).contains("✓ Ann");

        find("#identify .camera").sendKeys(Keys.ENTER);
        waitFor("the camera", () -> focused().equals("Take photo"));
        press(Keys.ESCAPE);
        waitFor("the dialog to close", () -> focused().equals("Image: use camera"));
        assertThat(text("#identify .chosen"))
                .as("text after the dialog was canceled")
                .isEmpty();
    }

    @Test
    void reachesEveryControlByTabInPageOrder() throws IOException {
        enroll("Ann", Photos.of(1, Photos.ANN));
        browser.navigate().refresh();
        waitFor("the gallery", () -> text("#gallery-count").equals("1 entry."));
        List<String> order = new ArrayList<>();
        for (int i = 0; i < 19; i++) {
            press(Keys.TAB);
            order.add(focused());
        }
        long entry = server.gallery.entries().get(0).id();
        assertThat(order)
                .containsExactly(
                        "Skip to the first form",
                        "Identify",
                        "Enroll",
                        "Compare",
                        "Gallery",
                        "file",
                        "Image: use camera",
                        "Identify",
                        "name",
                        "file",
                        "Image: use camera",
                        "Enroll",
                        "file",
                        "First image: use camera",
                        "file",
                        "Second image: use camera",
                        "Compare",
                        "Remove Ann, entry " + entry,
                        order.get(18)); // the browser's own controls
        Object unnamed = browser.executeScript("return [...document.querySelectorAll('input, button')]"
                + ".filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.innerText)).length");
        assertThat(((Number) unnamed).intValue())
                .as("controls without an accessible name")
                .isZero();
        assertThat(browser.findElements(By.cssSelector("[aria-live], [role=alert]")))
                .hasSizeGreaterThanOrEqualTo(5);
    }

    @Test
    void showsANameWithMarkupAsText() throws IOException {
        String name = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>";
        enroll(name, Photos.of(1, Photos.ANN));
        choose("#identify", 0, file("ann.png", Photos.of(2, Photos.ANN)));
        assertThat(submit("#identify", "threshold")).contains(name);
        assertThat(text("#gallery .who")).contains(name);
        assertThat(browser.executeScript("return window.hacked === undefined")).isEqualTo(true);
        assertThat(browser.findElements(By.cssSelector("#gallery li script, #gallery img[src=x]")))
                .isEmpty();
    }

    @Test
    void sendsNoRequestToAnotherMachine() throws IOException {
        browser.manage().logs().get(LogType.PERFORMANCE); // discard the earlier entries
        browser.manage().logs().get(LogType.BROWSER);
        browser.navigate().refresh();
        waitFor("the threshold", () -> text("#threshold").contains("0.500"));
        enroll("Ann", Photos.of(1, Photos.ANN));
        choose("#identify", 0, file("ann.png", Photos.of(2, Photos.ANN)));
        submit("#identify", "threshold");
        List<String> urls = browser.manage().logs().get(LogType.PERFORMANCE).getAll().stream()
                .map(entry -> entry.getMessage())
                .filter(message -> message.contains("\"Network.requestWillBeSent\""))
                .flatMap(BrowserTest::requestedUrl)
                .toList();
        assertThat(urls).hasSizeGreaterThan(5).anyMatch(url -> url.endsWith("/api/identify"));
        assertThat(urls).allMatch(url -> url.startsWith(server.url() + "/") || url.matches("(?s)(data|blob):.*"));
        assertThat(browser.manage().logs().get(LogType.BROWSER).getAll())
                .as("warnings and errors, such as violations of the content security policy")
                .isEmpty();
    }

    private static Stream<String> requestedUrl(String message) {
        var found = Pattern.compile("\"request\":\\{.*?\"url\":\"([^\"]*)\"").matcher(message);
        return found.find() ? Stream.of(found.group(1)) : Stream.empty();
    }
}
