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
 * The page in a Chromium without a window, with a camera that shows a file. Skipped where there is none: Debian has it
 * in the packages chromium and chromium-driver. Images of the page are left in target/screenshots.
 */
class BrowserTest {
    private static final Path SCREENSHOTS = Path.of("target/screenshots");
    private static final long PATIENCE_MS = 20_000;

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
                "skipped: no chromium and chromedriver on the path; apt-get install chromium chromium-driver");
        ChromeOptions options = new ChromeOptions();
        options.setBinary(chromium.get());
        options.addArguments(
                "--headless=new",
                "--no-sandbox", // continuous integration is root in a container
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--force-color-profile=srgb",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                "--use-file-for-fake-video-capture=" + film());
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        logs.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        System.setProperty(
                ChromeDriverService.CHROME_DRIVER_EXE_PROPERTY, driver.get().toString()); // or it is fetched
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

    /** Ann, as a film of one second: YUV4MPEG2, which every Chromium takes for a camera. */
    private static Path film() throws IOException {
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
                luma[y * width + x] = (byte) Math.round(16 + .257 * r + .504 * g + .098 * b);
                int half = y / 2 * (width / 2) + x / 2;
                blue[half] = (byte) Math.round(128 - .148 * r - .291 * g + .439 * b);
                red[half] = (byte) Math.round(128 + .439 * r - .368 * g - .071 * b);
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
        long end = System.currentTimeMillis() + PATIENCE_MS;
        while (!condition.holds()) {
            assertThat(System.currentTimeMillis())
                    .as(() -> "waiting for " + what + "; the page says " + text("main"))
                    .isLessThan(end);
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

    private static String submit(String section, String awaited) {
        find(section + " button.main").click();
        waitFor(awaited, () -> text(section + " .answer").contains(awaited));
        return text(section + " .answer");
    }

    private static void enroll(String name, byte[] picture) throws IOException {
        find("#name").clear();
        find("#name").sendKeys(name);
        choose("#enroll", 0, file("enrol.png", picture));
        submit("#enroll", name + " is enrolled");
    }

    /** The whole page. */
    private static void screenshot(String name) throws IOException {
        long height = ((Number) browser.executeScript("return document.documentElement.scrollHeight")).longValue();
        Dimension before = browser.manage().window().getSize();
        browser.manage().window().setSize(new Dimension(before.width, (int) Math.min(4000, height + 150)));
        Files.write(SCREENSHOTS.resolve(name + ".png"), browser.getScreenshotAs(OutputType.BYTES));
        browser.manage().window().setSize(before);
    }

    /** Whatever has the focus. */
    private static void press(Keys key) {
        new Actions(browser).sendKeys(key).perform();
    }

    private static String focused() {
        return String.valueOf(browser.executeScript("const e = document.activeElement;"
                + "return e.getAttribute('aria-label') || e.name || e.innerText.trim() || e.type || e.tagName"));
    }

    // ---- tests ----

    @Test
    void enrollIdentifyCompareRemove() throws IOException {
        enroll("Ann", Photos.of(1, Photos.ANN));
        enroll("Bob", Photos.of(2, Photos.BOB));
        assertThat(text("#gallery-count")).isEqualTo("2 entries.");

        choose("#identify", 0, file("group.png", Photos.of(3, Photos.BOB, Photos.CLEO)));
        String who = submit("#identify", "cosine");
        assertThat(who).contains("Bob", "Unknown", "nearest is", "known from 0.500 on");
        assertThat(browser.findElements(By.cssSelector("#identify .box"))).hasSize(2);

        choose("#compare", 0, file("first.png", Photos.of(4, Photos.ANN)));
        choose("#compare", 1, file("second.png", Photos.of(5, Photos.ANN)));
        assertThat(submit("#compare", "cosine")).contains("The same person", "the same from 0.500 on");
        choose("#compare", 1, file("third.png", Photos.of(5, Photos.BOB)));
        assertThat(submit("#compare", "Different people")).contains("cosine -");
        waitFor(
                "images of the gallery",
                () -> Boolean.TRUE.equals(
                        browser.executeScript(
                                "return [...document.querySelectorAll('#gallery img')].every(i => i.complete && i.naturalWidth == 112)")));
        screenshot("light");
        dark(true);
        screenshot("dark");
        dark(false);
        browser.manage().window().setSize(new Dimension(500, 1000));
        screenshot("narrow");

        find("#gallery button[aria-label^='Remove Bob']").click();
        browser.switchTo().alert().accept();
        waitFor("the removal", () -> text("#gallery .answer").contains("is removed"));
        assertThat(text("#gallery-count")).isEqualTo("1 entry.");
        assertThat(server.gallery.identities()).containsOnlyKeys("Ann");
    }

    /** By the page as its user has it, and by every byte of the folder as the disk has it. */
    @Test
    void whoIsRemovedLeavesNothingOnTheDisk() throws IOException {
        Path kept = Files.createDirectory(folder.resolve("kept"));
        Path people = kept.resolve("people.gallery");
        try (TestServer onDisk = new TestServer(64, people)) {
            browser.get(onDisk.url() + "/");
            waitFor("the threshold", () -> text("#threshold").contains("0.500"));
            enroll("Bartholomew", Photos.of(1, Photos.BOB));
            long entry = onDisk.gallery.entries().get(0).id();
            byte[] portrait = Files.readAllBytes(kept.resolve("people.gallery.faces/" + entry + ".jpg"));
            assertThat(filesWith(kept, "Bartholomew".getBytes(StandardCharsets.UTF_8)))
                    .containsExactly(people);
            enroll("Ann", Photos.of(2, Photos.ANN));

            find("#gallery button[aria-label^='Remove Bartholomew']").click();
            browser.switchTo().alert().accept();
            waitFor("the removal", () -> text("#gallery .answer").contains("is removed"));

            assertThat(filesWith(kept, portrait)).isEmpty();
            assertThat(Files.exists(kept.resolve("people.gallery.faces/" + entry + ".jpg")))
                    .isFalse();
            assertThat(filesWith(kept, "Bartholomew".getBytes(StandardCharsets.UTF_8)))
                    .isEmpty();
        }
    }

    /** The files in a folder, at any depth, that hold some bytes in their content. */
    private static List<Path> filesWith(Path folder, byte[] wanted) throws IOException {
        String needle = new String(wanted, StandardCharsets.ISO_8859_1); // a character for each byte
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

    private static void dark(boolean dark) {
        browser.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    }

    @Test
    void saysWhatIsWrongWithAPicture() throws IOException {
        assertThat(submit("#identify", "missing")).contains("image is missing: choose a file or use the camera");
        choose("#identify", 0, file("nobody.png", Photos.nobody()));
        assertThat(submit("#identify", "must show a face")).contains("none was found in its 320x240 pixels");
        choose("#identify", 0, file("text.jpg", "no image".getBytes(StandardCharsets.UTF_8)));
        assertThat(submit("#identify", "must be a JPEG")).contains("its content is none, whatever its name");
        choose("#identify", 0, file("large.jpg", Arrays.copyOf(Photos.of(1, Photos.ANN), 50 << 20)));
        assertThat(submit("#identify", "at most 10 MB")).contains("but has 50 MB; make it smaller");
        screenshot("error");
        // and when the page did not look first
        Object status = browser.executeAsyncScript("const done = arguments[0];"
                + "fetch('/api/identify', {method: 'POST', headers: {'X-Face-Page': '1'}, body: new Blob([new Uint8Array(50 << 20)])})"
                + ".then(async r => done(r.status + ' ' + (await r.json()).error), e => done(String(e)))");
        assertThat(status).isEqualTo("413 an image must have at most 10 MB, but has 50 MB; make it smaller");
    }

    @Test
    void theCameraByKeyboardAlone() throws IOException {
        find("#name").sendKeys("Ann");
        press(Keys.TAB); // to the file
        assertThat(focused()).isEqualTo("file");
        press(Keys.TAB);
        assertThat(focused()).isEqualTo("Image: use the camera");
        press(Keys.ENTER);
        waitFor("the camera", () -> focused().equals("Take the image"));
        screenshot("camera");
        press(Keys.ENTER);
        waitFor("the dialog's end", () -> focused().equals("Image: use the camera"));
        press(Keys.TAB);
        assertThat(focused()).isEqualTo("Enrol");
        press(Keys.ENTER);
        waitFor("the enrollment", () -> text("#enroll .answer").contains("Ann is enrolled"));
        assertThat(focused()).as("the focus stays").isEqualTo("Enrol");
        choose("#identify", 0, file("ann.png", Photos.of(1, Photos.ANN)));
        assertThat(submit("#identify", "cosine")).contains("✓ Ann");

        find("#identify .camera").sendKeys(Keys.ENTER);
        waitFor("the camera", () -> focused().equals("Take the image"));
        press(Keys.ESCAPE);
        waitFor("the dialog's end", () -> focused().equals("Image: use the camera"));
        assertThat(text("#identify .chosen")).as("nothing taken").isEmpty();
    }

    @Test
    void everythingIsReachedByTabInTheOrderOfThePage() throws IOException {
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
                        "Who is it?",
                        "Enrol",
                        "Compare",
                        "Gallery",
                        "file",
                        "Image: use the camera",
                        "Identify",
                        "name",
                        "file",
                        "Image: use the camera",
                        "Enrol",
                        "file",
                        "First image: use the camera",
                        "file",
                        "Second image: use the camera",
                        "Compare",
                        "Remove Ann, entry " + entry,
                        order.get(18)); // the browser's own
        Object unnamed = browser.executeScript("return [...document.querySelectorAll('input, button')]"
                + ".filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.innerText)).length");
        assertThat(((Number) unnamed).intValue()).as("controls without a name").isZero();
        assertThat(browser.findElements(By.cssSelector("[aria-live], [role=alert]")))
                .hasSizeGreaterThanOrEqualTo(5);
    }

    @Test
    void aNameThatIsAScriptIsShownAndNotRun() throws IOException {
        String name = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>";
        enroll(name, Photos.of(1, Photos.ANN));
        choose("#identify", 0, file("ann.png", Photos.of(2, Photos.ANN)));
        assertThat(submit("#identify", "cosine")).contains(name);
        assertThat(text("#gallery .who")).contains(name);
        assertThat(browser.executeScript("return window.hacked === undefined")).isEqualTo(true);
        assertThat(browser.findElements(By.cssSelector("#gallery li script, #gallery img[src=x]")))
                .isEmpty();
    }

    @Test
    void nothingIsAskedOfAnotherMachine() throws IOException {
        browser.manage().logs().get(LogType.PERFORMANCE); // what was before
        browser.manage().logs().get(LogType.BROWSER);
        browser.navigate().refresh();
        waitFor("the threshold", () -> text("#threshold").contains("0.500"));
        enroll("Ann", Photos.of(1, Photos.ANN));
        choose("#identify", 0, file("ann.png", Photos.of(2, Photos.ANN)));
        submit("#identify", "cosine");
        List<String> urls = browser.manage().logs().get(LogType.PERFORMANCE).getAll().stream()
                .map(entry -> entry.getMessage())
                .filter(message -> message.contains("\"Network.requestWillBeSent\""))
                .flatMap(BrowserTest::url)
                .toList();
        assertThat(urls).hasSizeGreaterThan(5).anyMatch(url -> url.endsWith("/api/identify"));
        assertThat(urls).allMatch(url -> url.startsWith(server.url() + "/") || url.matches("(?s)(data|blob):.*"));
        assertThat(browser.manage().logs().get(LogType.BROWSER).getAll())
                .as("complaints, of the content security policy for one")
                .isEmpty();
    }

    private static Stream<String> url(String message) {
        var found = Pattern.compile("\"request\":\\{.*?\"url\":\"([^\"]*)\"").matcher(message);
        return found.find() ? Stream.of(found.group(1)) : Stream.empty();
    }
}
