package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.facerecognition.examples.web.TestServer.error;
import static org.facerecognition.examples.web.TestServer.json;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.facerecognition.data.ImageSource;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.vision.FaceDetector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The server over HTTP, with a detector that finds squares instead of faces and a network that compares shades of gray.
 */
class FaceServerTest {
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = new TestServer(64);
    }

    @AfterAll
    static void stop() {
        server.close();
        assertThat(server.err()).as("internal errors").isEmpty();
    }

    @AfterEach
    void clearGallery() {
        server.gallery.entries().forEach(entry -> server.gallery.remove(entry.id()));
    }

    private static JsonNode enroll(String name, byte[] image) {
        HttpResponse<String> response =
                server.post("/api/enroll?name=" + URLEncoder.encode(name, StandardCharsets.UTF_8), image);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return json(response);
    }

    // ---- what it answers ----

    @Test
    void enrollsAndIdentifies() throws IOException {
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

    /** Earlier versions enrolled the same image several times, and under several names. */
    @Test
    void enrollsAnImageOnceAndUnderOneName() throws IOException {
        long first = enroll("Ann", Photos.of(1, Photos.ANN)).get("entry").asLong();
        JsonNode again = enroll(" ann", Photos.of(1, Photos.ANN));
        assertThat(again.get("entry").asLong()).isEqualTo(first);
        assertThat(again.get("name").asText()).isEqualTo("Ann");
        HttpResponse<String> other = server.post("/api/enroll?name=Anne", Photos.of(1, Photos.ANN));
        assertThat(other.statusCode()).isEqualTo(409);
        assertThat(error(other))
                .isEqualTo("this image is already enrolled as Ann; if that name is wrong, remove that entry first");
        assertThat(server.gallery.size()).isEqualTo(1);
    }

    /** As after a command has enrolled it: the page said "No image" forever. */
    @Test
    void restoresAThumbnailWhenTheSameImageIsEnrolledAgain() {
        long entry = enroll("Ann", Photos.of(1, Photos.ANN)).get("entry").asLong();
        float[] embedding = server.gallery.embedding(entry).orElseThrow();
        server.gallery.remove(entry);
        String key = ContentKey.of(Photos.of(1, Photos.ANN));
        long other = server.gallery.enroll(List.of(new Enrollment("Ann", embedding, null, key)))[0];
        assertThat(server.get("/api/gallery/" + other + "/image").statusCode()).isEqualTo(404);
        assertThat(enroll("Ann", Photos.of(1, Photos.ANN)).get("entry").asLong())
                .isEqualTo(other);
        assertThat(server.get("/api/gallery/" + other + "/image").statusCode()).isEqualTo(200);
    }

    /** The gallery L2-normalizes the embedding once more, which may change the last bit. */
    @Test
    void enrollsTheEmbeddingOfTheRecognizer() throws IOException {
        byte[] image = Photos.of(3, Photos.ANN);
        long entry = enroll("Ann", image).get("entry").asLong();
        assertThat(server.gallery.embedding(entry).orElseThrow())
                .containsExactly(server.recognizer.embed(ImageSource.of(image)), within(1e-7f));
    }

    @Test
    void reportsAnUnknownFaceAndTheNearestEntry() {
        assertThat(json(server.post("/api/identify", Photos.of(1, Photos.CLEO)))
                        .at("/faces/0/nearest")
                        .isNull())
                .as("in an empty gallery")
                .isTrue();
        enroll("Ann", Photos.of(1, Photos.ANN));
        JsonNode face =
                json(server.post("/api/identify", Photos.of(1, Photos.CLEO))).at("/faces/0");
        assertThat(face.get("best").isNull()).isTrue();
        assertThat(face.at("/nearest/name").asText()).isEqualTo("Ann");
        assertThat(face.at("/nearest/cosine").numberValue().doubleValue()).isBetween(-1.0, TestServer.THRESHOLD);
    }

    /** Another server or a command may share the gallery. */
    @Test
    void servesNoFaceOfAnEntryThatAnotherProgramHasRemoved() {
        long entry = enroll("Ann", Photos.of(1, Photos.ANN)).get("entry").asLong();
        assertThat(server.get("/api/gallery/" + entry + "/image").statusCode()).isEqualTo(200);
        server.gallery.remove(entry);
        assertThat(server.get("/api/gallery/" + entry + "/image").statusCode()).isEqualTo(404);
    }

    private static HttpResponse<String> compare(byte[] first, byte[] second) {
        return compare(server, first, second);
    }

    private static HttpResponse<String> compare(TestServer server, byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return server.post("/api/compare?first=" + first.length, both);
    }

    @Test
    void comparesTwoImages() {
        JsonNode same = json(compare(Photos.of(1, Photos.ANN), Photos.of(2, Photos.ANN)));
        assertThat(same.get("same").asBoolean()).isTrue();
        assertThat(same.get("cosine").asDouble()).isBetween(0.9, 1.0);
        assertThat(same.get("threshold").asDouble()).isEqualTo(TestServer.THRESHOLD);
        assertThat(same.get("falseAcceptRate").isNull()).isTrue();
        JsonNode different = json(compare(Photos.of(1, Photos.ANN), Photos.of(2, Photos.BOB, Photos.CLEO)));
        assertThat(different.get("same").asBoolean()).isFalse();
        assertThat(different.get("cosine").numberValue().doubleValue()).isBetween(-1.0, TestServer.THRESHOLD);
        assertThat(different.get("facesInPictures").toString()).isEqualTo("[1,2]");
        assertThat(error(compare(Photos.of(1, Photos.ANN), Photos.withoutFace())))
                .startsWith("the image sent second must show a face, but none was found in its 320x240 pixels");
        assertThat(error(server.post("/api/compare?first=0", Photos.of(1, Photos.ANN))))
                .isEqualTo("the request must contain two images, but contains one");
        assertThat(error(server.post("/api/compare?first=99999999999", Photos.of(1, Photos.ANN))))
                .isEqualTo("the request must contain two images, but contains one");
        assertThat(error(server.post("/api/compare", Photos.of(1, Photos.ANN))))
                .isEqualTo("first must be a number of up to 18 digits");
    }

    @Test
    void listsAndRemovesEntries() {
        long entry = enroll("Ann", Photos.of(1, Photos.ANN)).get("entry").asLong();
        long newer = enroll("Bob", Photos.of(1, Photos.BOB)).get("entry").asLong();
        JsonNode listed = json(server.get("/api/gallery"));
        assertThat(listed.toString())
                .isEqualTo("{\"total\":2,\"entries\":[{\"entry\":" + newer + ",\"name\":\"Bob\"},{\"entry\":" + entry
                        + ",\"name\":\"Ann\"}]}");
        String image = "/api/gallery/" + entry + "/image";
        assertThat(server.get(image).headers().firstValue("Content-Type")).hasValue("image/jpeg");

        HttpResponse<String> removed =
                server.send(server.request("/api/gallery/" + entry).DELETE());
        assertThat(json(removed).get("total").asInt()).isEqualTo(1);
        assertThat(server.get(image).statusCode()).isEqualTo(404);
        HttpResponse<String> again =
                server.send(server.request("/api/gallery/" + entry).DELETE());
        assertThat(again.statusCode()).isEqualTo(404);
        assertThat(error(again)).isEqualTo("this entry does not exist; it may have been removed already");
    }

    @Test
    void answersAtThePathsOfEarlierVersions() {
        byte[] image = Photos.of(1, Photos.ANN);
        JsonNode enrolled = json(server.post("/api/enrol?name=Ann", image));
        assertThat(enrolled).isEqualTo(json(server.post("/api/enroll?name=Ann", image)));
        String entry = "/api/gallery/" + enrolled.get("entry").asLong();
        assertThat(server.get(entry + "/picture").statusCode()).isEqualTo(200);
        assertThat(server.get(entry + "/picture").body())
                .isEqualTo(server.get(entry + "/image").body());
    }

    /** Earlier, HEAD had a type of its own, and status 200 where GET has 404. */
    @Test
    void answersHeadLikeGet() {
        String image = "/api/gallery/"
                + enroll("Ann", Photos.of(1, Photos.ANN)).get("entry").asLong() + "/image";
        for (String path : List.of("/", "/page.js", "/api/gallery", "/api/settings", image, "/api/gallery/777/image")) {
            HttpResponse<String> get = server.get(path);
            HttpResponse<String> head =
                    server.send(server.request(path).method("HEAD", HttpRequest.BodyPublishers.noBody()));
            assertThat(head.statusCode()).as(path).isEqualTo(get.statusCode());
            assertThat(head.body()).as(path).isEmpty();
            assertThat(head.headers().firstValue("Content-Type"))
                    .as(path)
                    .isEqualTo(get.headers().firstValue("Content-Type"));
        }
    }

    // ---- what it rejects ----

    @ParameterizedTest
    @CsvSource({
        "PUT, /, 'GET, HEAD'",
        "POST, /api/gallery, 'GET, HEAD'",
        "DELETE, /api/enroll, POST",
        "PATCH, /api/gallery/1, DELETE"
    })
    void namesTheMethodsOfAPath(String method, String path, String allowed) {
        HttpResponse<String> response =
                server.send(server.request(path).method(method, HttpRequest.BodyPublishers.noBody()));
        assertThat(response.statusCode()).isEqualTo(405);
        assertThat(response.headers().firstValue("Allow")).hasValue(allowed);
        assertThat(error(response)).isEqualTo("this path can only be requested with " + allowed);
    }

    @Test
    void rejectsBodiesThatAreNotUsableImages() {
        byte[] text = "this is no image".getBytes(StandardCharsets.UTF_8);
        assertRejected(
                415,
                "the file must be a JPEG, PNG, WebP or BMP image, but its content is none of these, whatever its name",
                text);
        assertRejected(415, "but its content is none of these", "GIF89a and more".getBytes(StandardCharsets.UTF_8));
        assertRejected(400, "the request must contain an image, but its body is empty", new byte[0]);
        byte[] whole = Photos.of(1, Photos.ANN);
        assertRejected(422, "the image sent is truncated: its end is missing", Arrays.copyOf(whole, whole.length / 2));
        assertRejected(
                422, "the image sent must show a face, but none was found in its 320x240 pixels", Photos.withoutFace());
        byte[] bomb = whole.clone(); // the width and height in the PNG header
        ByteBuffer.wrap(bomb).putInt(16, 60_000).putInt(20, 60_000);
        assertRejected(422, "the image sent must have at most 25000000 pixels, but claims 60000x60000", bomb);
    }

    private static void assertRejected(int status, String message, byte[] image) {
        for (String path : new String[] {"/api/identify", "/api/enroll?name=Ann"}) {
            HttpResponse<String> response = server.post(path, image);
            assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
            assertThat(error(response)).contains(message);
        }
        assertThat(server.gallery.size()).isZero();
    }

    @Test
    void rejectsUploadsOver10Mb() {
        byte[] large = Arrays.copyOf(Photos.of(1, Photos.ANN), 50 << 20);
        assertRejected(413, "an image must be at most 10 MB, but was 50 MB; reduce its size", large);
        byte[] small = Photos.of(1, Photos.ANN);
        HttpResponse<String> second = compare(small, Arrays.copyOf(large, 12 << 20));
        assertThat(second.statusCode()).isEqualTo(413);
        assertThat(error(second)).contains("but was 12 MB");
    }

    /** A client that leaves in the middle of an upload is no internal error. */
    @Test
    void acceptsThatAClientLeavesDuringAnUpload() throws Exception {
        try (TestServer own = new TestServer(1)) {
            for (int length : new int[] {1 << 20, 50 << 20}) { // of an image, and of one that is too large
                try (Socket leaving = new Socket("127.0.0.1", own.server.port())) {
                    String head = "POST /api/identify HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Face-Page: 1\r\nContent-Length: "
                            + length + "\r\n\r\n";
                    OutputStream out = leaving.getOutputStream();
                    out.write(head.getBytes(StandardCharsets.ISO_8859_1));
                    out.write(Photos.of(1, Photos.ANN));
                    out.flush();
                }
            }
            own.server.close(); // waits for requests in progress
            assertThat(own.err()).isEmpty();
        }
    }

    @Test
    void rejectsUploadsWithoutContentLength() {
        HttpResponse<String> chunked = server.send(server.request("/api/identify")
                .POST(HttpRequest.BodyPublishers.ofInputStream(
                        () -> new ByteArrayInputStream(Photos.of(1, Photos.ANN)))));
        assertThat(chunked.statusCode()).isEqualTo(411);
        assertThat(error(chunked)).contains("Content-Length is missing");
    }

    @ParameterizedTest
    @CsvSource({"'', has 0", "'%20%20', has 0", "'a%0Ab', control characters"})
    void rejectsInvalidNames(String name, String reason) {
        HttpResponse<String> response = server.post("/api/enroll?name=" + name, Photos.of(1, Photos.ANN));
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(error(response)).contains(reason);
        assertThat(server.post("/api/enroll?name=" + "x".repeat(101), Photos.of(1, Photos.ANN))
                        .statusCode())
                .isEqualTo(400);
        assertThat(server.post("/api/enroll", Photos.of(1, Photos.ANN)).statusCode())
                .isEqualTo(400);
    }

    @Test
    void rejectsANameThatIsNotEncoded() throws IOException {
        byte[] image = Photos.of(1, Photos.ANN);
        try (Socket socket = new Socket("127.0.0.1", server.server.port())) {
            String head = "POST /api/enroll?name=%zz HTTP/1.1\r\nHost: 127.0.0.1:" + server.server.port()
                    + "\r\nX-Face-Page: 1\r\nContent-Length: " + image.length
                    + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().write(image);
            socket.getOutputStream().flush();
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 400 ");
        }
    }

    /** The gallery remembers the choice, so it must be the one that is made. */
    @Test
    void theChoiceOfFacesIsTheRecognizers() {
        byte[] both = Photos.of(1, Photos.ANN, Photos.BOB);
        try (TestServer own = new TestServer(1);
                FaceDetector detector = FaceDetector.open(Photos.DETECTOR)) {
            own.recognizer.useDetector(detector, FaceChoice.ONLY);
            HttpResponse<String> refused = own.post("/api/enroll?name=Ann", both);
            assertThat(refused.statusCode()).isEqualTo(422);
            assertThat(error(refused)).contains("the image sent must show only one face, but shows 2");
            assertThat(own.post("/api/enroll?name=Ann", Photos.of(1, Photos.ANN))
                            .statusCode())
                    .isEqualTo(200);
            assertThat(json(own.post("/api/identify", both)).get("faces")).hasSize(2);
        }
    }

    /** Earlier, a bystander was enrolled under the person's name, and compared in the person's place. */
    @Test
    void rejectsAnImageWhoseChosenFaceCannotBeUsed(@TempDir Path folder) throws IOException {
        byte[] image = Photos.besideABystander(1, Photos.ANN);
        byte[] bystander = Photos.besideABystander(1, Photos.NO_FACE);
        try (TestServer own = new TestServer(1);
                FaceDetector detector = FaceDetector.open(Photos.detectorOfImplausibleFaces(folder))) {
            own.recognizer.useDetector(detector);
            assertThat(own.recognizer.faces(ImageSource.of(image)))
                    .as("the bystander's face alone can be used")
                    .hasSize(1);
            assertUnusable(own.post("/api/enroll?name=Ann", image), "sent");
            assertUnusable(compare(own, image, bystander), "sent first");
            assertUnusable(compare(own, bystander, image), "sent second");
            assertThat(own.gallery.size()).isZero();

            own.recognizer.useDetector(detector, FaceChoice.ONLY);
            assertThat(error(own.post("/api/enroll?name=Ann", image)))
                    .startsWith("the image sent must show only one face, but shows 2");
        }
    }

    private static void assertUnusable(HttpResponse<String> response, String name) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(422);
        assertThat(error(response)).startsWith("the image " + name + " shows a face whose five landmarks cannot be");
    }

    @Test
    void returnsANameWithMarkupAsData() {
        String name = "<script>alert(1)</script>";
        enroll(name, Photos.of(1, Photos.ANN));
        HttpResponse<String> listed = server.get("/api/gallery");
        assertThat(json(listed).at("/entries/0/name").asText()).isEqualTo(name);
        assertThat(listed.headers().firstValue("Content-Type")).hasValue("application/json");
        assertThat(listed.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
    }

    @Test
    void rejectsRequestsOfOtherSites() {
        byte[] image = Photos.of(1, Photos.ANN);
        HttpRequest.Builder form = HttpRequest.newBuilder(
                        server.request("/api/enroll?name=Eve").build().uri())
                .POST(HttpRequest.BodyPublishers.ofByteArray(image));
        assertForbidden(form.copy(), "requests must have the header X-Face-Page, but this one does not");
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

        long entry = enroll("Ann", image).get("entry").asLong();
        assertForbidden(
                HttpRequest.newBuilder(
                                server.request("/api/gallery/" + entry).build().uri())
                        .DELETE(),
                "must have the header");
        assertThat(server.gallery.size()).isEqualTo(1);
    }

    private static void assertForbidden(HttpRequest.Builder request, String message) {
        HttpResponse<String> response = server.send(request);
        assertThat(response.statusCode()).isEqualTo(403);
        assertThat(error(response)).contains(message);
        assertThat(response.headers().map()).doesNotContainKey("access-control-allow-origin");
    }

    @Test
    void grantsOtherOriginsNothingInPreflights() throws IOException {
        String preflight =
                server.raw("OPTIONS /api/enroll HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n"
                        + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-face-page\r\n");
        assertThat(preflight.toLowerCase(Locale.ROOT)).doesNotContain("access-control-allow");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "192.168.0.7", "localhost.evil"})
    void rejectsForeignHostNames(String host) throws IOException {
        for (String path : new String[] {"/", "/api/gallery", "/page.js"}) {
            String answer = server.raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n");
            assertThat(answer)
                    .startsWith("HTTP/1.1 421")
                    .contains("Host must be localhost or 127.0.0.1, but was " + host);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "LOCALHOST:8080", "127.0.0.1:9", "[::1]:8080"})
    void acceptsItsOwnHostNames(String host) throws IOException {
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
                "/api/gallery/..%2f..%2f..%2fetc%2fpasswd/image",
                "/api/gallery/../../etc/passwd/image",
                "/api/gallery/%2e%2e/image",
                "/api/gallery/1.jpg/image",
                "/api/gallery/-1/image",
                "/api/gallery/1%00/image",
                "/api/gallery/9999999999999999999999/image",
                "/api/gallery/1\\..\\2/image"
            })
    void servesNoFilesByPath(String path) throws IOException {
        String answer = server.raw("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        assertThat(answer).matches("(?s)HTTP/1.1 40[04] .*");
        assertThat(answer).doesNotContain("root:").doesNotContain("\tat ").doesNotContain("Jetty");
    }

    @Test
    void rejectsRequestsWhenAllPermitsAreTaken() throws IOException {
        byte[] image = Photos.of(1, Photos.ANN);
        try (TestServer small = new TestServer(1);
                Socket slow = new Socket("127.0.0.1", small.server.port())) {
            OutputStream out = slow.getOutputStream();
            String head = "POST /api/identify HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Face-Page: 1\r\nContent-Length: "
                    + image.length + "\r\nConnection: close\r\n\r\n";
            out.write(head.getBytes(StandardCharsets.ISO_8859_1));
            out.write(image, 0, 100);
            out.flush();
            long end = System.nanoTime() + 20_000_000_000L;
            while (small.server.availableRequests() > 0) {
                assertThat(System.nanoTime()).as("the slow request is admitted").isLessThan(end);
                Thread.onSpinWait();
            }
            HttpResponse<String> response = small.post("/api/identify", image);
            assertThat(response.statusCode()).isEqualTo(503);
            assertThat(response.headers().firstValue("Retry-After")).hasValue("2");
            assertThat(error(response)).isEqualTo("too many images are already waiting; try again in a moment");
            assertThat(small.get("/api/gallery").statusCode())
                    .as("requests without images are still answered")
                    .isEqualTo(200);

            out.write(image, 100, image.length - 100);
            out.flush();
            assertThat(new String(slow.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 200");
            assertThat(small.post("/api/identify", image).statusCode())
                    .as("the permit is free again")
                    .isEqualTo(200);
        }
    }

    @Test
    void sendsSecurityHeadersWithEveryResponse() {
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
        assertThat(error(server.get("/nothing"))).isEqualTo("nothing was found at this path");
    }

    @Test
    void pageRefersToNoOtherMachine() {
        for (String path : new String[] {"/", "/page.js", "/page.css"}) {
            assertThat(server.get(path).body().replace("http://www.w3.org/2000/svg", ""))
                    .doesNotContainPattern("https?://|@import|//[a-z]+\\.[a-z]");
        }
        assertThat(server.get("/").body())
                .as("nothing that the content security policy would block")
                .doesNotContainPattern("<style| style=| on[a-z]+=|<script>");
    }

    // ---- settings ----

    @Test
    void rejectsAPortThatIsInUse() {
        FaceServer.Settings used = new FaceServer.Settings("127.0.0.1", server.server.port());
        assertThatThrownBy(() -> FaceServer.start(used, null, null, null, null, null, null))
                .hasMessage("cannot bind to port " + used.port() + " of 127.0.0.1: it is in use or not permitted;"
                        + " choose another port (--port)");
    }

    @Test
    void rejectsInvalidSettings() {
        assertThatThrownBy(() -> new FaceServer.Settings("127.0.0.1", 70_000))
                .hasMessage("port must be in [0, 65535], but was 70000");
        assertThatThrownBy(() -> new FaceServer.Settings("127.0.0.1", 0, 81))
                .hasMessage("maxRequests must be in [1, 80], but was 81");
        assertThatThrownBy(() -> new FaceServer.Settings("", 0))
                .hasMessage("host must be a name or address of this machine, but was empty");
        assertThatThrownBy(() -> new FaceServer.Settings("no such host", 0))
                .hasMessage("host must be a name or address of this machine, but was no such host");
        assertThatThrownBy(() -> new FaceServer.Settings("192.0.2.1", 0)) // of an example in a manual
                .hasMessageStartingWith("host must be a name or address of this machine, but 192.0.2.1 is none of its"
                        + " addresses; 0.0.0.0 stands for all of them");
    }

    @Test
    void knowsLoopbackAddresses() {
        assertThat(new FaceServer.Settings("::1", 0).isLoopback()).isTrue();
        assertThat(new FaceServer.Settings("0.0.0.0", 0).isLoopback()).isFalse();
    }

    @Test
    void listensOnTheAddressOfItsHostOnly() throws IOException {
        List<InetAddress> others = NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.equals(InetAddress.getLoopbackAddress()))
                .collect(Collectors.toCollection(ArrayList::new));
        others.add(InetAddress.getByName("127.0.0.2")); // of this machine, too, on Linux
        for (InetAddress other : others) {
            try (Socket socket = new Socket()) {
                InetSocketAddress address = new InetSocketAddress(other, server.server.port());
                assertThatThrownBy(() -> socket.connect(address, 1000))
                        .as("connecting to " + address)
                        .isInstanceOf(IOException.class);
            }
        }
    }

    /** Stopping failed, and left computations running, if an answer took longer than a moment. */
    @Test
    @Timeout(60)
    void stopsAlthoughAnAnswerTakesLong() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch stopped = new CountDownLatch(1);
        try (TestServer own = new TestServer(4)) {
            own.beforeListing = () -> {
                asked.countDown();
                while (stopped.getCount() > 0) { // also if the server interrupts this thread
                    Thread.onSpinWait();
                }
            };
            Thread client = new Thread(() -> {
                try {
                    own.get("/api/gallery");
                } catch (RuntimeException e) {
                    // disconnected
                }
            });
            client.start();
            asked.await();
            own.server.close();
            stopped.countDown();
            client.join();
        } finally {
            stopped.countDown();
        }
    }

    /** Clients that announce an image and send nothing used to keep all threads waiting for it. */
    @Test
    @Timeout(60)
    void rejectedRequestsWithoutBodiesDoNotOccupyTheServer() throws IOException {
        List<Socket> silent = new ArrayList<>();
        try (TestServer own = new TestServer(4)) {
            for (int i = 0; i < 200; i++) {
                Socket socket = new Socket("127.0.0.1", own.server.port());
                silent.add(socket);
                socket.getOutputStream()
                        .write("POST /api/identify HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9999999\r\n\r\n"
                                .getBytes(StandardCharsets.US_ASCII));
            }
            assertThat(assertTimeoutPreemptively(
                            Duration.ofSeconds(15), () -> own.raw("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")))
                    .startsWith("HTTP/1.1 200");
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }
}
