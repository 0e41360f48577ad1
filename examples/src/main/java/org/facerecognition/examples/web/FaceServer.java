package org.facerecognition.examples.web;

import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import io.javalin.http.HttpResponseException;
import io.javalin.util.JavalinBindException;
import io.javalin.util.JavalinException;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.Threshold;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryException;
import org.facerecognition.natives.Processors;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.vision.OpenCvThreads;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP server for the demo page and its API. Images arrive as the body of a request, are processed in memory and are
 * then discarded; an enrolled face leaves its embedding and a thumbnail behind. There is no login: anyone who can reach
 * the port can use the server, so bind it to loopback.
 */
/*
 * The API answers in JSON; errors are {"error": "one sentence"}. Requests other than GET and HEAD need the header
 * X-Face-Page.
 *
 *   GET    /api/settings                  threshold, its false accept rate, the largest allowed image
 *   GET    /api/gallery                   the newest entries
 *   GET    /api/gallery/{entry}/image     the thumbnail of an entry, a JPEG
 *   DELETE /api/gallery/{entry}           removes an entry; answers with the gallery
 *   POST   /api/enroll?name=NAME          enrolls the chosen face; the body is an image
 *   POST   /api/identify                  identifies all faces; the body is an image
 *   POST   /api/compare?first=BYTES       compares two faces; the body is two images, the first of BYTES bytes
 *
 * Earlier versions had /api/enrol and /api/gallery/{entry}/picture, which still answer the same.
 */
public final class FaceServer implements AutoCloseable {
    /** Most of them wait. There are more than AdmissionControl admits, so that threads are left to reject requests. */
    private static final int THREADS = 160;

    private static final long SHUTDOWN_TIMEOUT_SECONDS = 30;
    private static final long IDLE_TIMEOUT_MS = 30_000;

    private static final byte[] INTERNAL_ERROR_JSON =
            ("{\"error\":\"" + Answers.INTERNAL_ERROR + "\"}").getBytes(StandardCharsets.UTF_8);

    private static final int MAX_DRAINING = 16; // rejected requests whose bodies are read to their end

    private final Javalin server;
    private final AdmissionControl admission;
    private final DemoService service;
    private final Semaphore draining = new Semaphore(MAX_DRAINING);
    private final OpenCvThreads.Scope openCv;
    private final PrintWriter err;

    /**
     * The address of the server and its limits.
     *
     * @param host the name or address to bind to
     * @param port the port, or 0 for any free one
     * @param maxRequests the number of requests with images that may be in progress at the same time; further ones are
     *     rejected with status 503
     * @param publicNames the names under which a proxy offers the server to browsers, with a port if browsers show one;
     *     they do not change what the server binds to
     */
    public record Settings(String host, int port, int maxRequests, List<String> publicNames) {
        private static final int MAX_WORKERS = 4; // each may hold two decoded images of 25 megapixels

        /** Allows 64 requests at the same time. */
        public Settings(String host, int port) {
            this(host, port, 64);
        }

        /** Has no public names. */
        public Settings(String host, int port, int maxRequests) {
            this(host, port, maxRequests, List.of());
        }

        /** @throws IllegalArgumentException when a value is out of range, or a host or name is none */
        public Settings {
            if (port < 0 || port > 65_535) {
                throw new IllegalArgumentException("port must be in [0, 65535], but was " + port);
            }
            if (maxRequests < 1 || maxRequests > THREADS / 2) {
                throw new IllegalArgumentException(
                        "maxRequests must be in [1, " + THREADS / 2 + "], but was " + maxRequests);
            }
            requireOfThisMachine(host);
            publicNames = List.copyOf(publicNames);
            publicNames.forEach(PublicName::parse);
        }

        /** Returns these settings with the names under which a proxy offers the server to browsers. */
        public Settings withPublicNames(List<String> names) {
            return new Settings(host, port, maxRequests, names);
        }

        /** Returns whether only programs on this machine can reach the server. */
        public boolean isLoopback() {
            return address(host).isLoopbackAddress();
        }

        private static void requireOfThisMachine(String host) {
            try (ServerSocket any = new ServerSocket(0, 1, address(host))) {
                // it can be bound to, with a port that is free
            } catch (IOException e) {
                throw new IllegalArgumentException(
                        "host must be a name or address of this machine, but " + host
                                + " is none of its addresses; 0.0.0.0 stands for all of them (" + e.getMessage() + ")",
                        e);
            }
        }

        private static InetAddress address(String host) {
            if (host.isBlank()) { // which Java takes for this machine
                throw new IllegalArgumentException("host must be a name or address of this machine, but was empty");
            }
            try {
                return InetAddress.getByName(host);
            } catch (UnknownHostException e) {
                throw new IllegalArgumentException(
                        "host must be a name or address of this machine, but was " + host, e);
            }
        }
    }

    private FaceServer(Settings settings, DemoService service, PrintWriter err) {
        this.service = service;
        this.err = err;
        int workers = Math.min(Settings.MAX_WORKERS, Processors.count());
        long maxBytes = AdmissionControl.maxBytes(Runtime.getRuntime().maxMemory());
        this.admission = new AdmissionControl(settings.maxRequests(), maxBytes, workers);
        this.server = Javalin.create(config -> configure(config, settings));
        this.openCv = OpenCvThreads.one(); // requests run side by side already; last, so that no failure leaves it so
    }

    /**
     * Starts a server. It uses recognizer, detector and gallery until it is closed; the caller closes them afterwards.
     *
     * @param recognizer has the detector; borrowed
     * @param detector borrowed
     * @param gallery holds the recognizer's embeddings; borrowed
     * @param thumbnails the thumbnails of the gallery's entries
     * @param threshold the cosine at or above which two faces count as one person's
     * @param err receives internal errors
     * @return owned
     * @throws IllegalStateException when the port is in use or not permitted
     */
    public static FaceServer start(
            Settings settings,
            FaceEmbedder recognizer,
            FaceDetector detector,
            Gallery gallery,
            FaceThumbnails thumbnails,
            Threshold threshold,
            PrintWriter err) {
        DemoService service = new DemoService(recognizer, detector, gallery, thumbnails, threshold);
        FaceServer server = new FaceServer(settings, service, err);
        try {
            server.server.start(settings.host(), settings.port());
            return server;
        } catch (JavalinBindException e) {
            server.close();
            throw new IllegalStateException(
                    "cannot bind to port " + settings.port() + " of " + settings.host()
                            + ": it is in use or not permitted; choose another port (--port)",
                    e);
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** Returns the port that the server listens on. */
    public int port() {
        return server.port();
    }

    /** Returns how many more requests with images could be admitted. */
    int availableRequests() {
        return admission.availableRequests();
    }

    private void configure(JavalinConfig config, Settings settings) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.jetty.threadPool = new QueuedThreadPool(THREADS, 8);
        config.jetty.modifyHttpConfiguration(http -> {
            http.setSendServerVersion(false);
            http.setIdleTimeout(IDLE_TIMEOUT_MS);
        });
        config.jetty.modifyServer(jetty -> {
            ErrorHandler errors = new ErrorHandler(); // for requests that reach no route
            errors.setShowStacks(false);
            errors.setShowCauses(false);
            errors.setShowOrigin(false);
            jetty.setErrorHandler(errors);
            jetty.setStopTimeout(TimeUnit.SECONDS.toMillis(2));
        });
        config.router.javaLangErrorHandler(this::answerError);
        config.http.prefer405over404 = true;
        addRoutes(config.routes, settings);
    }

    private void addRoutes(RoutesConfig routes, Settings settings) {
        List<PublicName> publicNames =
                settings.publicNames().stream().map(PublicName::parse).toList();
        routes.before(new SameOriginFilter(settings.host(), settings.isLoopback(), publicNames));
        addFile(routes, "/", "index.html", "text/html; charset=utf-8");
        addFile(routes, "/page.js", "page.js", "text/javascript; charset=utf-8");
        addFile(routes, "/page.css", "page.css", "text/css; charset=utf-8");
        addFile(routes, "/icon.svg", "icon.svg", "image/svg+xml");

        Handler image = this::image;
        Handler enroll = this::enroll;
        addGet(routes, "/api/settings", request -> Answers.json(request, service.settings()));
        addGet(routes, "/api/gallery", request -> Answers.json(request, admission.list(service::list)));
        addGet(routes, "/api/gallery/{entry}/image", image);
        addGet(routes, "/api/gallery/{entry}/picture", image); // the path of earlier versions
        routes.delete("/api/gallery/{entry}", this::remove);
        routes.post("/api/enroll", enroll);
        routes.post("/api/enrol", enroll); // the path of earlier versions
        routes.post("/api/identify", this::identify);
        routes.post("/api/compare", this::compare);

        routes.exception(ApiException.class, (e, request) -> {
            if (draining.tryAcquire()) {
                try {
                    drain(request);
                } finally {
                    draining.release();
                }
            } else { // clients that send nothing must not keep all threads waiting
                request.header("Connection", "close");
            }
            Answers.error(request, e.status(), String.valueOf(e.getMessage()));
        });
        routes.exception(HttpResponseException.class, (e, request) -> Answers.noRoute(request, e));
        routes.exception(GalleryException.class, this::answerGalleryError);
        routes.exception(Exception.class, this::answerInternalError);
    }

    /** Answers HEAD like GET: Jetty leaves the body out. */
    private static void addGet(RoutesConfig routes, String path, Handler handler) {
        routes.get(path, handler);
        routes.head(path, handler);
    }

    /** Serves a file of the page from memory, read from the class path beforehand: no request can name a file. */
    private static void addFile(RoutesConfig routes, String path, String resource, String type) {
        byte[] bytes;
        try (InputStream in = FaceServer.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("resource " + resource + " is missing from the class path");
            }
            bytes = in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read resource " + resource, e);
        }
        addGet(routes, path, request -> request.contentType(type).result(bytes));
    }

    private void answer(Context request, int maxImages, BiFunction<AdmissionControl.Permit, byte[], Object> work)
            throws IOException {
        int length = Upload.length(request, maxImages);
        try (AdmissionControl.Permit permit = admission.admit(length)) {
            byte[] body = Upload.read(request, length);
            Answers.json(request, work.apply(permit, body));
        }
    }

    private void enroll(Context request) throws IOException {
        @Nullable String name = QueryString.parameter(request.queryString(), "name");
        answer(request, 1, (permit, image) -> permit.useGallery(permit.compute(() -> service.enroll(name, image))));
    }

    private void identify(Context request) throws IOException {
        answer(request, 1, (permit, image) -> permit.useGallery(permit.compute(() -> service.identify(image))));
    }

    private void compare(Context request) throws IOException {
        @Nullable String length = QueryString.parameter(request.queryString(), "first");
        answer(
                request,
                2,
                (permit, both) -> permit.compute(() -> {
                    long first = Math.min(both.length, number(length, "first"));
                    byte[][] images = Upload.split(both, (int) first);
                    return service.compare(images[0], images[1]);
                }));
    }

    private void image(Context request) throws Exception {
        long entry = entry(request);
        byte[] jpeg = admission
                .thumbnail(() -> service.thumbnail(entry))
                .orElseThrow(() -> new ApiException(404, "this entry does not exist or has no image"));
        request.contentType("image/jpeg").result(jpeg);
    }

    private void remove(Context request) throws Exception {
        long entry = entry(request);
        Answers.json(request, admission.list(() -> service.remove(entry))); // if it is rejected, nothing is removed
    }

    private static long entry(Context request) {
        return number(request.pathParam("entry"), "entry");
    }

    private static long number(@Nullable String text, String name) {
        if (text == null || !text.matches("[0-9]{1,18}")) {
            throw new ApiException(400, name + " must be a number of up to 18 digits");
        }
        return Long.parseLong(text);
    }

    /** Discards the body of a rejected request. */
    private static void drain(Context request) {
        try {
            Upload.drain(request.req().getInputStream());
        } catch (IOException e) {
            // the client has disconnected and will not read the response either
        }
    }

    private void answerGalleryError(GalleryException e, Context request) {
        if (e.isUnreachable()) {
            err.println("error: " + request.method() + " failed: " + e.getMessage());
            Answers.error(request, 503, "the gallery cannot be reached at the moment; try again later");
        } else {
            answerInternalError(e, request);
        }
    }

    private void answerInternalError(Exception e, Context request) {
        err.println("error: " + request.method() + " failed: " + e);
        if (Boolean.getBoolean("trace")) {
            e.printStackTrace(err);
        }
        Answers.failed(request, e);
    }

    /** Answers after an error of the JVM, such as memory that ran out, with as little new memory as possible. */
    private void answerError(HttpServletResponse response, Error error) {
        err.println("error: a request failed: " + error
                + (error instanceof OutOfMemoryError ? "; give Java more memory with -Xmx" : ""));
        if (Boolean.getBoolean("trace")) {
            error.printStackTrace(err);
        }
        if (response.isCommitted()) {
            return; // the client has a part of the answer
        }
        try {
            response.setStatus(500);
            response.setContentType("application/json");
            response.getOutputStream().write(INTERNAL_ERROR_JSON);
        } catch (IOException e) {
            // the client has disconnected
        }
    }

    /**
     * Stops the server and waits for computations in progress; recognizer and gallery may be closed afterwards. Clients
     * that take longer than a moment to send or to receive are disconnected.
     */
    @Override
    public void close() {
        try {
            server.stop();
        } catch (JavalinException e) {
            if (!(e.getCause() instanceof TimeoutException)) { // which Jetty throws after it has disconnected them
                err.println("error: the server was not stopped in order: " + e.getMessage());
            }
        }
        openCv.close();
        if (!admission.shutDown(SHUTDOWN_TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("an image is still being processed " + SHUTDOWN_TIMEOUT_SECONDS
                    + " s after the server was stopped");
        }
    }
}
