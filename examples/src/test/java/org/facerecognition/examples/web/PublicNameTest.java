package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The server behind a proxy, which knows it by another name than browsers do. */
class PublicNameTest {
    private static final String ENROLL = "POST /api/identify HTTP/1.1\r\nX-Face-Page: 1\r\nContent-Length: 0\r\n";

    private static TestServer server;

    @BeforeAll
    static void start() {
        server = new TestServer(
                new FaceServer.Settings("127.0.0.1", 0).withPublicNames(List.of("Faces.Example", "lab.example:8443")));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    /** Sends a request without an image, which is rejected for that reason only once its headers are accepted. */
    private static String answer(String host, String origin) throws IOException {
        return server.raw(ENROLL + "Host: " + host + "\r\nOrigin: " + origin + "\r\n");
    }

    @ParameterizedTest
    @CsvSource({
        "faces.example, https://faces.example",
        "faces.example, http://faces.example",
        "FACES.example, https://FACES.example",
        "lab.example:8443, https://lab.example:8443"
    })
    void acceptsAHostThatTheProxyKeeps(String host, String origin) throws IOException {
        assertThat(server.raw("GET / HTTP/1.1\r\nHost: " + host + "\r\n")).startsWith("HTTP/1.1 200");
        assertThat(answer(host, origin)).startsWith("HTTP/1.1 400").contains("its body is empty");
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://faces.example", "http://faces.example", "https://lab.example:8443"})
    void acceptsAnOriginWhoseHostTheProxyRewrites(String origin) throws IOException {
        assertThat(answer("127.0.0.1:" + server.server.port(), origin))
                .startsWith("HTTP/1.1 400")
                .contains("its body is empty");
    }

    @ParameterizedTest
    @ValueSource(strings = {"evil.example", "faces.example.evil.example", "example", "192.168.0.7"})
    void rejectsOtherNames(String name) throws IOException {
        assertThat(server.raw("GET / HTTP/1.1\r\nHost: " + name + "\r\n"))
                .startsWith("HTTP/1.1 421")
                .contains("but was " + name + "; behind a proxy, start the server with --public-name");
        for (String host : List.of("faces.example", "127.0.0.1:" + server.server.port())) {
            assertThat(answer(host, "https://" + name))
                    .startsWith("HTTP/1.1 403")
                    .contains("this one came from https://" + name);
        }
    }

    @Test
    void rejectsAnotherPortOfAPublicName() throws IOException {
        assertThat(answer("127.0.0.1", "https://faces.example:8443")).startsWith("HTTP/1.1 403");
        assertThat(answer("127.0.0.1", "https://lab.example")).startsWith("HTTP/1.1 403");
    }

    @Test
    void knowsThePortsThatBrowsersLeaveOut() {
        assertThat(PublicName.parse("faces.example:443").isOrigin("https://faces.example"))
                .isTrue();
        assertThat(PublicName.parse("faces.example:443").isOrigin("http://faces.example"))
                .isFalse();
        assertThat(PublicName.parse("faces.example:80").isOrigin("http://faces.example"))
                .isTrue();
        assertThat(PublicName.parse("[2001:db8::1]:8443").isOrigin("https://[2001:db8::1]:8443"))
                .isTrue();
        assertThat(PublicName.parse("gesichter-m\u00fcnchen.example").host())
                .isEqualTo("xn--gesichter-mnchen-tzb.example");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "https://faces.example",
                "faces.example/",
                "faces.example/page",
                "faces.example:",
                "faces.example:0",
                "faces.example:65536",
                "*.example",
                "faces..example",
                "a b.example"
            })
    void rejectsWhatIsNoHostName(String name) {
        FaceServer.Settings settings = new FaceServer.Settings("127.0.0.1", 0);
        assertThatThrownBy(() -> settings.withPublicNames(List.of(name)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("--public-name must be a host name and, if browsers show one, a port, such as"
                        + " faces.example.org or faces.example.org:8443, but was '" + name
                        + "'; leave out https:// and any path");
    }
}
