package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parameters in addresses, which were decoded with the charset that the type of the body names. */
class QueryStringTest {
    private static final String REASON =
            "the parameters in the address must be percent-encoded UTF-8, such as name=Andr%C3%A9, but are not";

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

    @ParameterizedTest
    @ValueSource(
            strings = {
                "image/jpeg",
                "image/jpeg; charset",
                "image/jpeg; charset=",
                "image/jpeg; charset=x-foo",
                "image/jpeg; charset=utf-16",
                "image/jpeg; charset=iso-8859-1",
                "nonsense"
            })
    void theTypeOfTheBodyDoesNotMatter(String type) throws IOException {
        byte[] image = Photos.of(1, Photos.ANN);
        assertThat(post("/api/enroll?name=Andr%C3%A9", type, image)).contains("\"name\":\"André\"");
        byte[] two = new byte[2 * image.length];
        System.arraycopy(image, 0, two, 0, image.length);
        System.arraycopy(image, 0, two, image.length, image.length);
        assertThat(post("/api/compare?first=" + image.length, type, two)).contains("\"same\":true");
    }

    /** Sends a type that the HTTP client would not send, and returns the whole response. */
    private static String post(String path, String type, byte[] image) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", server.server.port())) {
            String head = "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Face-Page: 1\r\nContent-Type: " + type
                    + "\r\nContent-Length: " + image.length + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().write(image);
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Bytes of Latin-1 became the name "Andr" with a replacement character. */
    @ParameterizedTest
    @ValueSource(strings = {"name=Andr%E9", "name=%C3", "%FF=1&name=Ann", "name=%ED%A0%80"})
    void rejectsOtherEncodings(String query) {
        HttpRequest.Builder request = server.request("/api/enroll?" + query)
                .POST(HttpRequest.BodyPublishers.ofByteArray(Photos.of(1, Photos.ANN)));
        HttpResponse<String> response = server.send(request);
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(TestServer.error(response)).isEqualTo(REASON);
        assertThat(server.gallery.size()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "name=Ann, Ann",
        "first=1&name=Ann+B%26C, Ann B&C",
        "n%61me=a=b, a=b",
        "name=1&name=2, 1",
        "name=, ''",
        "name, ''",
        "names=1,",
        "'',"
    })
    void readsParameters(String query, String value) {
        assertThat(QueryString.parameter(query, "name")).isEqualTo(value);
    }

    @Test
    void hasNoParametersWithoutAQuery() {
        assertThat(QueryString.parameter(null, "name")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"name=%", "name=%4", "name=%zz", "name=%-1", "name=é"})
    void rejectsWhatIsNotEncoded(String query) {
        assertThatThrownBy(() -> QueryString.parameter(query, "name"))
                .isInstanceOf(ApiException.class)
                .hasMessage(REASON);
    }
}
