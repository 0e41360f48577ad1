package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.gallery.Gallery;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code serve} in a separate process, from its start to its shutdown. */
class ServeCommandTest {
    @TempDir
    Path folder;

    @Test
    void keepsEnrolledFacesWhenStopped() throws IOException, InterruptedException {
        Path model = folder.resolve("small.model");
        Path people = folder.resolve("people.gallery");
        String fingerprint;
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(16)
                .classes(2)
                .imageSizePx(32)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            recognizer.save(model);
            fingerprint = recognizer.fingerprint();
        }
        List<String> output;
        try (ServeProcess serve = new ServeProcess(
                List.of(), "--model", model, "--detector", Photos.DETECTOR, "--threshold", 0.5, "--gallery", people)) {
            HttpRequest enroll = HttpRequest.newBuilder(URI.create(serve.url() + "/api/enroll?name=Ann"))
                    .header(SameOriginFilter.PAGE_HEADER, "1")
                    .POST(HttpRequest.BodyPublishers.ofByteArray(Photos.of(1, Photos.ANN)))
                    .build();
            HttpResponse<String> response =
                    HttpClient.newHttpClient().send(enroll, HttpResponse.BodyHandlers.ofString());
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            output = serve.stop();
        }
        assertThat(output)
                .containsSubsequence(
                        "0 entries, kept in " + people + ", images of the faces in " + people + ".faces", "stopping")
                .noneMatch(line -> line.contains("warning") || line.contains("error"));
        try (Gallery reopened = Gallery.open(people, fingerprint, 16)) {
            assertThat(reopened.identities()).containsExactly(Map.entry("Ann", 1));
        }
        assertThat(folder.resolve("people.gallery.faces").toFile().list())
                .singleElement(InstanceOfAssertFactories.STRING)
                .matches("1-[0-9a-f]{16}\\.jpg");
    }
}
