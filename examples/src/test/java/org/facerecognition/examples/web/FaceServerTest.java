package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.facerecognition.examples.web.TestServer.error;
import static org.facerecognition.examples.web.TestServer.json;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.facerecognition.data.ImageSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Over HTTP, with a detector that takes squares for faces and a net that compares shades. */
class FaceServerTest {
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = new TestServer(64);
    }

    @AfterAll
    static void stop() {
        server.close();
        assertThat(server.err()).as("nothing failed inside").isEmpty();
    }

    @AfterEach
    void emptyTheGallery() {
        server.gallery.entries().forEach(entry -> server.gallery.remove(entry.id()));
    }

    private static JsonNode enroll(String name, byte[] picture) {
        HttpResponse<String> response =
                server.post("/api/enrol?name=" + URLEncoder.encode(name, StandardCharsets.UTF_8), picture);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return json(response);
    }

    // ---- what it does ----

    /** Before, one image could be two people, and the same image was enrolled again and again. */
    @Test
    void theSameImageIsOneEntryOfOnePerson() throws IOException {
        long first = enroll("Ann", Photos.of(1, Photos.ANN)).get("entry").asLong();
        JsonNode again = enroll(" ann", Photos.of(1, Photos.ANN));
        assertThat(again.get("entry").asLong()).isEqualTo(first);
        assertThat(again.get("name").asText()).isEqualTo("Ann");
        HttpResponse<String> other = server.post("/api/enrol?name=Anne", Photos.of(1, Photos.ANN));
        assertThat(other.statusCode()).isEqualTo(409);
        assertThat(error(other))
                .isEqualTo("this image is enrolled as Ann already; if that name is wrong, remove that entry first");
        assertThat(server.gallery.size()).isEqualTo(1);
    }

    /** The gallery brings it to a norm of 1 once more, which may change the last bit. */
    @Test
    void aFaceHasTheEmbeddingThatTheLibraryGivesIt() throws IOException {
        byte[] photo = Photos.of(3, Photos.ANN);
        long entry = enroll("Ann", photo).get("entry").asLong();
        assertThat(server.gallery.embedding(entry).orElseThrow())
                .containsExactly(server.recognizer.embed(ImageSource.of(photo)), within(1e-7f));
    }

    @Test
    void enrollsAndKnowsAgain() throws IOException {
        JsonNode ann = enroll("Ann", Photos.of(1, Photos.ANN));
        enroll("Bob", Photos.of(2, Photos.BOB));
        assertThat(ann.get("facesInPicture").asInt()).isEqualTo(1);

        JsonNode result = json(server.post("/api/identify", Photos.of(3, Photos.BOB, Photos.ANN)));
        assertThat(result.get("width").asInt()).isEqualTo(2 * Photos.WIDTH);
        assertThat(result.get("faces")).hasSize(2);
        for (JsonNode face : result.get("faces")) {
            boolean left = face.get("box").get(0).asDouble() < Photos.WIDTH;
            assertThat(face.get("best").get("name").asText()).isEqualTo(left ? "Bob" : "Ann");
            assertThat(face.get("best").get("cosine").asDouble()).isBetween(0.9, 1.0);
        }
        String portrait = result.get("faces").get(0).get("portrait").asText();
        byte[] jpeg = Base64.getDecoder().decode(portrait.replaceFirst("^data:image/jpeg;base64,", ""));
        assertThat(ImageIO.read(new ByteArrayInputStream(jpeg)).getWidth()).isEqualTo(112);
    }

    @Test
    void saysUnknownAndWhoIsNearest() {
        assertThat(json(server.post("/api/identify", Photos.of(1, Photos.CLEO)))
                        .at("/faces/0/nearest")
                        .isNull())
                .as("of an empty gallery")
                .isTrue();
        enroll("Ann", Photos.of(1, Photos.ANN));
        JsonNode face =
                json(server.post("/api/identify", Photos.of(1, Photos.CLEO))).at("/faces/0");
        assertThat(face.get("best").isNull()).isTrue();
        assertThat(face.at("/nearest/name").asText()).isEqualTo("Ann");
        assertThat(face.at("/nearest/cosine").asDouble()).isBetween(-1.0, TestServer.THRESHOLD);
    }

    private static HttpResponse<String> compare(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return server.post("/api/compare?first=" + first.length, both);
    }

    @Test
    void comparesTwoPictures() {
        JsonNode same = json(compare(Photos.of(1, Photos.ANN), Photos.of(2, Photos.ANN)));
        assertThat(same.get("same").asBoolean()).isTrue();
        assertThat(same.get("cosine").asDouble()).isBetween(0.9, 1.0);
        assertThat(same.get("threshold").asDouble()).isEqualTo(TestServer.THRESHOLD);
        assertThat(same.get("falseAcceptRate").isNull()).isTrue();
        JsonNode different = json(compare(Photos.of(1, Photos.ANN), Photos.of(2, Photos.BOB, Photos.CLEO)));
        assertThat(different.get("same").asBoolean()).isFalse();
        assertThat(different.get("cosine").asDouble()).isBetween(-1.0, TestServer.THRESHOLD);
        assertThat(different.get("facesInPictures").toString()).isEqualTo("[1,2]");
        assertThat(error(compare(Photos.of(1, Photos.ANN), Photos.nobody())))
                .startsWith("the image sent second must show a face");
        assertThat(error(server.post("/api/compare?first=0", Photos.of(1, Photos.ANN))))
                .isEqualTo("two images must be sent, but there was one");
        assertThat(error(server.post("/api/compare?first=99999999999", Photos.of(1, Photos.ANN))))
                .isEqualTo("two images must be sent, but there was one");
        assertThat(error(server.post("/api/compare", Photos.of(1, Photos.ANN))))
                .isEqualTo("first must be a number of up to 18 digits");
    }

    @Test
    void theGalleryIsListedWithPicturesAndForgets() {
        long entry = enroll("Ann", Photos.of(1, Photos.ANN)).get("entry").asLong();
        long newer = enroll("Bob", Photos.of(1, Photos.BOB)).get("entry").asLong();
        JsonNode listed = json(server.get("/api/gallery"));
        assertThat(listed.toString())
                .isEqualTo("{\"total\":2,\"entries\":[{\"entry\":" + newer + ",\"name\":\"Bob\"},{\"entry\":" + entry
                        + ",\"name\":\"Ann\"}]}");
        String picture = "/api/gallery/" + entry + "/picture";
        assertThat(server.get(picture).headers().firstValue("Content-Type")).hasValue("image/jpeg");

        HttpResponse<String> removed =
                server.send(server.request("/api/gallery/" + entry).DELETE());
        assertThat(json(removed).get("total").asInt()).isEqualTo(1);
        assertThat(server.get(picture).statusCode()).isEqualTo(404);
        HttpResponse<String> again =
                server.send(server.request("/api/gallery/" + entry).DELETE());
        assertThat(again.statusCode()).isEqualTo(404);
        assertThat(error(again)).isEqualTo("there is no such entry; it may have been removed already");
    }

    // ---- what it refuses ----

    @Test
    void picturesThatAreNone() {
        byte[] text = "this is no image".getBytes(StandardCharsets.UTF_8);
        assertRefused(
                415,
                "the file must be a JPEG, PNG, WebP or BMP image, but its content is none, whatever its name",
                text);
        assertRefused(415, "but its content is none", "GIF89a and more".getBytes(StandardCharsets.UTF_8));
        assertRefused(400, "an image must be sent, but nothing was", new byte[0]);
        byte[] whole = Photos.of(1, Photos.ANN);
        assertRefused(422, "the image sent is truncated: its end is missing", Arrays.copyOf(whole, whole.length / 2));
        assertRefused(
                422,
                "the image sent must show a face, but none was found in its 320x240 pixels; take one where the face is"
                        + " upright, larger or clearer",
                Photos.nobody());
        byte[] bomb = whole.clone(); // a PNG's width and height
        ByteBuffer.wrap(bomb).putInt(16, 60_000).putInt(20, 60_000);
        assertRefused(422, "the image sent must have at most 25000000 pixels, but claims 60000x60000", bomb);
    }

    private static void assertRefused(int status, String sentence, byte[] picture) {
        for (String path : new String[] {"/api/identify", "/api/enrol?name=Ann"}) {
            HttpResponse<String> response = server.post(path, picture);
            assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
            assertThat(error(response)).contains(sentence);
        }
        assertThat(server.gallery.size()).isZero();
    }

    @Test
    void fiftyMegabytes() {
        byte[] large = Arrays.copyOf(Photos.of(1, Photos.ANN), 50 << 20);
        assertRefused(413, "an image must have at most 10 MB, but has 50 MB; make it smaller", large);
        byte[] small = Photos.of(1, Photos.ANN);
        HttpResponse<String> second = compare(small, Arrays.copyOf(large, 12 << 20));
        assertThat(second.statusCode()).isEqualTo(413);
        assertThat(error(second)).contains("but has 12 MB");
    }

    @Test
    void aPictureMustSayItsLength() {
        HttpResponse<String> chunked = server.send(server.request("/api/identify")
                .POST(HttpRequest.BodyPublishers.ofInputStream(
                        () -> new ByteArrayInputStream(Photos.of(1, Photos.ANN)))));
        assertThat(chunked.statusCode()).isEqualTo(411);
        assertThat(error(chunked)).contains("Content-Length is missing");
    }

    @ParameterizedTest
    @CsvSource({"'', has 0", "'%20%20', has 0", "'a%0Ab', control characters"})
    void namesThatAreNone(String name, String reason) {
        HttpResponse<String> response = server.post("/api/enrol?name=" + name, Photos.of(1, Photos.ANN));
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(error(response)).contains(reason);
        assertThat(server.post("/api/enrol?name=" + "x".repeat(101), Photos.of(1, Photos.ANN))
                        .statusCode())
                .isEqualTo(400);
        assertThat(server.post("/api/enrol", Photos.of(1, Photos.ANN)).statusCode())
                .isEqualTo(400);
    }

    @Test
    void aNameThatIsAScriptIsDataAndNothingElse() {
        String name = "<script>alert(1)</script>";
        enroll(name, Photos.of(1, Photos.ANN));
        HttpResponse<String> listed = server.get("/api/gallery");
        assertThat(json(listed).at("/entries/0/name").asText()).isEqualTo(name);
        assertThat(listed.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(listed.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
    }

    @Test
    void requestsOfOtherSites() {
        byte[] picture = Photos.of(1, Photos.ANN);
        HttpRequest.Builder form = HttpRequest.newBuilder(
                        server.request("/api/enrol?name=Eve").build().uri())
                .POST(HttpRequest.BodyPublishers.ofByteArray(picture));
        assertForbidden(form.copy(), "requests must have the header X-Face-Page, but this one has not");
        assertForbidden(
                form.copy().header(SameOriginFilter.PAGE_HEADER, "1").header("Origin", "https://evil.example"),
                "but this one came from https://evil.example");
        assertForbidden(
                form.copy().header(SameOriginFilter.PAGE_HEADER, "1").header("Origin", "null"), "came from null");
        assertForbidden(
                form.copy().header(SameOriginFilter.PAGE_HEADER, "1").header("Sec-Fetch-Site", "cross-site"),
                "another site");
        assertForbidden(
                form.copy().header(SameOriginFilter.PAGE_HEADER, "1").header("Sec-Fetch-Site", "same-site"),
                "another site");
        assertThat(server.gallery.size()).isZero();

        long entry = enroll("Ann", picture).get("entry").asLong();
        assertForbidden(
                HttpRequest.newBuilder(
                                server.request("/api/gallery/" + entry).build().uri())
                        .DELETE(),
                "must have the header");
        assertThat(server.gallery.size()).isEqualTo(1);
    }

    private static void assertForbidden(HttpRequest.Builder request, String sentence) {
        HttpResponse<String> response = server.send(request);
        assertThat(response.statusCode()).isEqualTo(403);
        assertThat(error(response)).contains(sentence);
        assertThat(response.headers().map()).doesNotContainKey("access-control-allow-origin");
    }

    @Test
    void otherOriginsAreToldNothingWhenTheyAsk() throws IOException {
        String preflight =
                server.raw("OPTIONS /api/enrol HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n"
                        + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-face-page\r\n");
        assertThat(preflight.toLowerCase(Locale.ROOT)).doesNotContain("access-control-allow");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "192.168.0.7", "localhost.evil"})
    void namesThatSomebodyElseMayHavePointedHere(String host) throws IOException {
        for (String path : new String[] {"/", "/api/gallery", "/page.js"}) {
            String answer = server.raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n");
            assertThat(answer)
                    .startsWith("HTTP/1.1 421")
                    .contains("host must be localhost, or 127.0.0.1, but was " + host);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "LOCALHOST:8080", "127.0.0.1:9", "[::1]:8080"})
    void ourOwnNames(String host) throws IOException {
        assertThat(server.raw("GET / HTTP/1.1\r\nHost: " + host + "\r\n")).startsWith("HTTP/1.1 200");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/../../../../etc/passwd",
                "/..%2f..%2f..%2fetc/passwd",
                "/%2e%2e/%2e%2e/etc/passwd",
                "//etc/passwd",
                "/page.js/../../FaceServer.class",
                "/FaceServer.class",
                "/api/gallery/..%2f..%2f..%2fetc%2fpasswd/picture",
                "/api/gallery/../../etc/passwd/picture",
                "/api/gallery/%2e%2e/picture",
                "/api/gallery/1.jpg/picture",
                "/api/gallery/-1/picture",
                "/api/gallery/1%00/picture",
                "/api/gallery/9999999999999999999999/picture",
                "/api/gallery/1\\..\\2/picture"
            })
    void pathsThatLookForFiles(String path) throws IOException {
        String answer = server.raw("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        assertThat(answer).matches("(?s)HTTP/1.1 40[04] .*");
        assertThat(answer).doesNotContain("root:").doesNotContain("\tat ").doesNotContain("Jetty");
    }

    @Test
    void whatComesWhenAllPlacesAreTaken() throws IOException {
        byte[] picture = Photos.of(1, Photos.ANN);
        try (TestServer small = new TestServer(1);
                Socket slow = new Socket("127.0.0.1", small.server.port())) {
            OutputStream out = slow.getOutputStream();
            String head = "POST /api/identify HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Face-Page: 1\r\nContent-Length: "
                    + picture.length + "\r\nConnection: close\r\n\r\n";
            out.write(head.getBytes(StandardCharsets.ISO_8859_1));
            out.write(picture, 0, 100);
            out.flush();
            long end = System.nanoTime() + 20_000_000_000L;
            while (small.server.freePlaces() > 0) {
                assertThat(System.nanoTime()).as("the slow one is in").isLessThan(end);
                Thread.onSpinWait();
            }
            HttpResponse<String> response = small.post("/api/identify", picture);
            assertThat(response.statusCode()).isEqualTo(503);
            assertThat(response.headers().firstValue("Retry-After")).hasValue("2");
            assertThat(error(response)).isEqualTo("too many images are waiting already; try again in a moment");
            assertThat(small.get("/api/gallery").statusCode())
                    .as("lists still go")
                    .isEqualTo(200);

            out.write(picture, 100, picture.length - 100);
            out.flush();
            assertThat(new String(slow.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 200");
            assertThat(small.post("/api/identify", picture).statusCode())
                    .as("the place is free again")
                    .isEqualTo(200);
        }
    }

    @Test
    void everyAnswerHasTheHeadersThatKeepBrowsersCareful() {
        for (String path : new String[] {"/", "/page.js", "/page.css", "/icon.svg", "/api/gallery", "/nothing"}) {
            var headers = server.get(path).headers();
            assertThat(headers.firstValue("Content-Security-Policy").orElseThrow())
                    .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
                    .doesNotContain("unsafe");
            assertThat(headers.firstValue("X-Content-Type-Options")).hasValue("nosniff");
            assertThat(headers.firstValue("Referrer-Policy")).hasValue("no-referrer");
            assertThat(headers.firstValue("Cross-Origin-Resource-Policy")).hasValue("same-origin");
            assertThat(headers.firstValue("Cache-Control")).hasValue("no-store");
            assertThat(headers.map()).doesNotContainKeys("set-cookie", "server");
        }
        assertThat(error(server.get("/nothing"))).isEqualTo("there is nothing of that name here");
    }

    @Test
    void thePageNamesNoOtherMachine() {
        for (String path : new String[] {"/", "/page.js", "/page.css"}) {
            assertThat(server.get(path).body().replace("http://www.w3.org/2000/svg", ""))
                    .doesNotContainPattern("https?://|@import|//[a-z]+\\.[a-z]");
        }
        assertThat(server.get("/").body())
                .as("nothing that the policy would stop")
                .doesNotContainPattern("<style| style=| on[a-z]+=|<script>");
    }

    @Test
    void aPortThatIsTaken() {
        FaceServer.Settings taken = new FaceServer.Settings("127.0.0.1", server.server.port());
        assertThatThrownBy(() -> FaceServer.start(taken, null, null, null, null, null))
                .hasMessageContaining("port " + taken.port() + " of 127.0.0.1 must be free and allowed");
        assertThatThrownBy(() -> new FaceServer.Settings("127.0.0.1", 70_000))
                .hasMessage("port must be 0 to 65535, but was 70000");
        assertThatThrownBy(() -> new FaceServer.Settings("no such host", 0))
                .hasMessage("host must be a name or address of this machine, but was no such host");
        assertThat(new FaceServer.Settings("0.0.0.0", 0).isLoopback()).isFalse();
        assertThat(new FaceServer.Settings("::1", 0).isLoopback()).isTrue();
    }
}
