package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.facerecognition.gallery.UnreachableGallery;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Errors of the JVM while the server answers: clients got an empty response, and the operator no line. */
class ServerErrorsTest {
    private TestServer server;

    @BeforeEach
    void start() {
        server = new TestServer(1);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private void assertReported(HttpResponse<String> response, String line) {
        assertThat(response.statusCode()).isEqualTo(500);
        assertThat(response.headers().firstValue("Content-Type").orElseThrow()).startsWith("application/json");
        assertThat(response.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
        assertThat(TestServer.error(response))
                .isEqualTo("an internal error occurred; see the output of the server for details");
        assertThat(server.err()).isEqualToNormalizingNewlines(line + "\n");
    }

    @Test
    void reportsThatMemoryRanOut() {
        server.beforeListing = () -> {
            throw new OutOfMemoryError("Java heap space");
        };
        assertReported(
                server.get("/api/gallery"),
                "error: a request failed: java.lang.OutOfMemoryError: Java heap space; give Java more memory with"
                        + " -Xmx");
    }

    /** Earlier, it was an internal error, which a client does not try again. */
    @Test
    void aGalleryWhoseDatabaseDoesNotAnswerIsUnavailable() {
        server.beforeListing = () -> {
            throw UnreachableGallery.exception();
        };
        HttpResponse<String> response = server.get("/api/gallery");
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(response.headers().firstValue("Retry-After")).isPresent();
        assertThat(TestServer.error(response))
                .isEqualTo("the gallery cannot be reached at the moment; try again later");
        assertThat(server.err()).startsWith("error: GET failed: cannot reach gallery faces in the database after 3");
    }

    /** Earlier, it was an internal error, of which a client cannot know that it is the disk. */
    @Test
    void aFullDiskIsSaid() {
        server.beforeListing = () -> {
            throw new IllegalStateException(
                    "cannot write gallery people.gallery",
                    new FileSystemException("x", null, "No space left on device"));
        };
        HttpResponse<String> response = server.get("/api/gallery");
        assertThat(response.statusCode()).isEqualTo(507);
        assertThat(TestServer.error(response))
                .isEqualTo("the disk that the gallery is on is full: nothing was stored; free some space on it");
        assertThat(server.err()).contains("cannot write gallery people.gallery");
    }

    @Test
    void reportsErrorsOfAComputation() {
        server.beforeAnswering = () -> {
            throw new StackOverflowError();
        };
        byte[] image = Photos.of(1, Photos.ANN);
        assertReported(
                server.post("/api/enroll?name=Ann", image), "error: a request failed: java.lang.StackOverflowError");
        server.beforeAnswering = () -> {};
        assertThat(server.post("/api/enroll?name=Ann", image).statusCode())
                .as("the permit is free again")
                .isEqualTo(200);
    }

    /** Earlier, they occupied all workers, so that the server answered nothing while a database was slow. */
    @Test
    @Timeout(30)
    void comparesWhileEnrollmentsWaitForTheGallery() throws Exception {
        int enrollments = 4;
        CountDownLatch answered = new CountDownLatch(1);
        try (TestServer busy = new TestServer(enrollments + 1)) {
            busy.beforeAnswering = () -> awaitQuietly(answered);
            List<CompletableFuture<Integer>> statuses = IntStream.range(0, enrollments)
                    .mapToObj(i -> inBackground(() -> busy.post("/api/enroll?name=Ann", Photos.of(i, Photos.ANN))))
                    .toList();
            try {
                while (busy.server.availableRequests() > 1) {
                    Thread.sleep(1); // unlike a busy loop, it ends when the time is up
                }
                byte[] image = Photos.of(1, Photos.ANN);
                byte[] both = Arrays.copyOf(image, 2 * image.length);
                System.arraycopy(image, 0, both, image.length, image.length);
                assertThat(busy.post("/api/compare?first=" + image.length, both).statusCode())
                        .isEqualTo(200);
                assertThat(busy.gallery.size()).isZero();
            } finally {
                answered.countDown();
            }
            assertThat(statuses).allSatisfy(status -> assertThat(status.get()).isEqualTo(200));
            assertThat(busy.gallery.size()).isEqualTo(enrollments);
        }
    }

    /** Earlier, listings that waited for a database could occupy all threads of the server. */
    @Test
    @Timeout(60)
    void rejectsListingsWhenManyWaitForTheGallery() throws Exception {
        int listings = 16;
        CountDownLatch begun = new CountDownLatch(listings);
        CountDownLatch answered = new CountDownLatch(1);
        server.beforeListing = () -> {
            begun.countDown();
            awaitQuietly(answered);
        };
        List<CompletableFuture<Integer>> statuses = IntStream.range(0, listings)
                .mapToObj(i -> inBackground(() -> server.get("/api/gallery")))
                .toList();
        try {
            begun.await();
            server.beforeListing = () -> {};
            HttpResponse<String> rejected = server.get("/api/gallery");
            assertThat(rejected.statusCode()).isEqualTo(503);
            assertThat(rejected.headers().firstValue("Retry-After")).isPresent();
            assertThat(TestServer.error(rejected))
                    .isEqualTo("too many requests are already waiting for the gallery; try again in a moment");
            long entry = server.gallery.enroll("Ann", embedding(server));
            assertThat(server.send(server.request("/api/gallery/" + entry).DELETE())
                            .statusCode())
                    .isEqualTo(503);
            assertThat(server.gallery.size()).as("nothing was removed").isEqualTo(1);
            assertThat(server.get("/api/settings").statusCode()).isEqualTo(200);
        } finally {
            answered.countDown();
        }
        assertThat(statuses).allSatisfy(status -> assertThat(status.get()).isEqualTo(200));
        assertThat(server.get("/api/gallery").statusCode()).isEqualTo(200);
    }

    /** Sends a request in a thread of its own; returns the status of the answer. */
    private static CompletableFuture<Integer> inBackground(Supplier<HttpResponse<String>> request) {
        CompletableFuture<Integer> status = new CompletableFuture<>();
        new Thread(() -> {
                    try {
                        status.complete(request.get().statusCode());
                    } catch (RuntimeException e) {
                        status.completeExceptionally(e);
                    }
                })
                .start();
        return status;
    }

    private static float[] embedding(TestServer server) {
        float[] embedding = new float[server.recognizer.embeddingSize()];
        embedding[0] = 1;
        return embedding;
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 64L << 20, 80L << 20})
    void admitsOneComparisonWithLittleMemory(long maxMemory) {
        assertThat(AdmissionControl.maxBytes(maxMemory)).isEqualTo(20L << 20);
    }

    @Test
    void admitsUploadsThatFitAQuarterOfTheMemory() {
        assertThat(AdmissionControl.maxBytes(512L << 20)).isEqualTo(128L << 20);
        assertThat(AdmissionControl.maxBytes(Long.MAX_VALUE)).isEqualTo(256L << 20);
    }
}
