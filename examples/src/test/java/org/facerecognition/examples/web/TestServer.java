package org.facerecognition.examples.web;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.data.Normalization;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/** A server on a free port whose detector finds squares instead of faces, and an HTTP client for it. */
final class TestServer implements AutoCloseable {
    static final double THRESHOLD = 0.5;

    final FaceDetector detector = FaceDetector.open(Photos.DETECTOR);
    final Recognizer recognizer;
    private final HttpClient client = HttpClient.newHttpClient();
    private final StringWriter err = new StringWriter();
    final Gallery gallery;
    final FaceServer server;
    volatile Runnable beforeListing = () -> {}; // the newest entries
    volatile Runnable beforeAnswering = () -> {}; // an enrollment or an identification

    TestServer(int maxRequests) {
        this(maxRequests, null);
    }

    TestServer(FaceServer.Settings settings) {
        this(settings, null);
    }

    /** @param file the gallery's file, beside which thumbnails are stored; null for both in memory */
    TestServer(int maxRequests, @Nullable Path file) {
        this(new FaceServer.Settings("127.0.0.1", 0, maxRequests), file);
    }

    private TestServer(FaceServer.Settings settings, @Nullable Path file) {
        PixelBackbone backbone = new PixelBackbone();
        recognizer =
                Recognizer.of(backbone, new LinearSoftmax(1, backbone.embeddingSize()), 112, Normalization.SYMMETRIC);
        recognizer.useDetector(detector);
        gallery = file == null
                ? Gallery.inMemory("pixels", backbone.embeddingSize())
                : Gallery.open(file, "pixels", backbone.embeddingSize());
        server = FaceServer.start(
                settings,
                recognizer,
                detector,
                withoutListings(gallery),
                thumbnails(file, gallery),
                Threshold.of(THRESHOLD),
                new PrintWriter(err, true));
    }

    /** Returns a gallery that fails if it is asked for all of its entries, which may be millions. */
    private Gallery withoutListings(Gallery gallery) {
        return (Gallery) Proxy.newProxyInstance(
                TestServer.class.getClassLoader(), new Class<?>[] {Gallery.class}, (proxy, method, arguments) -> {
                    if (List.of("entries", "identities").contains(method.getName())) {
                        throw new IllegalStateException("the server must not list whole galleries");
                    }
                    if (method.getName().equals("newest")) {
                        beforeListing.run();
                    }
                    if (List.of("enrollNewImages", "identify").contains(method.getName())) {
                        beforeAnswering.run();
                    }
                    try {
                        return method.invoke(gallery, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static FaceThumbnails thumbnails(@Nullable Path file, Gallery gallery) {
        try {
            return file == null ? FaceThumbnails.inMemory() : FaceThumbnails.beside(file, gallery::embedding);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String url() {
        return "http://127.0.0.1:" + server.port();
    }

    /** Returns the internal errors that the server has reported. */
    String err() {
        return err.toString();
    }

    /** Returns a request with the headers that the page sends. */
    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(url() + path))
                .header(SameOriginFilter.PAGE_HEADER, "1")
                .header("Origin", url())
                .header("Sec-Fetch-Site", "same-origin");
    }

    HttpResponse<String> post(String path, byte[] body) {
        return send(request(path).POST(HttpRequest.BodyPublishers.ofByteArray(body)));
    }

    HttpResponse<String> get(String path) {
        return send(HttpRequest.newBuilder(URI.create(url() + path)));
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("the server did not respond", e);
        }
    }

    static JsonNode json(HttpResponse<String> response) {
        try {
            return new ObjectMapper().readTree(response.body());
        } catch (IOException e) {
            throw new IllegalStateException("the response is not JSON: " + response.body(), e);
        }
    }

    /** Returns the error message of a response. */
    static String error(HttpResponse<String> response) {
        return json(response).get("error").asText();
    }

    /** Sends the head of a request unchanged, which the HTTP client would not do, and returns the whole response. */
    String raw(String head) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", server.port())) {
            OutputStream out = socket.getOutputStream();
            out.write((head + "Connection: close\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        server.close();
        gallery.close();
        recognizer.close();
        detector.close();
    }
}
