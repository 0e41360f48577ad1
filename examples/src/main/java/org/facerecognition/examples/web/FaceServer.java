package org.facerecognition.examples.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpResponseException;
import io.javalin.util.JavalinBindException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.gallery.Gallery;

/**
 * The demonstration page and what it asks for, over HTTP. Images come in as the body of a request, are looked at in memory
 * and dropped; of an enrolled face the embedding and a small image stay. There is no login: whoever reaches the port may use
 * it, which is why it should be bound to loopback.
 */
public final class FaceServer implements AutoCloseable {
    private static final int THREADS = 160; // they wait, mostly; more than Admission lets in, so that it can refuse
    private static final long LONGEST_TURN_SECONDS = 30;
    private static final long IDLE_MS = 30_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Javalin server;
    private final AdmissionControl admission;
    private final DemoService desk;
    private final PrintWriter err;

    /**
     * Where and how much.
     *
     * @param host name or address to bind to
     * @param port 0 for any that is free
     * @param mostWaiting requests that may be in at a time; further ones are refused with status 503
     */
    public record Settings(String host, int port, int mostWaiting) {
        private static final long MAX_BYTES_WAITING = 256L << 20;
        private static final int MAX_TURNS = 4; // each may decode 100 million pixels

        /** 64 requests. */
        public Settings(String host, int port) {
            this(host, port, 64);
        }

        /** @throws IllegalArgumentException when a value makes no sense, or there is no such host */
        public Settings {
            if (port < 0 || port > 65_535) {
                throw new IllegalArgumentException("port must be 0 to 65535, but was " + port);
            }
            if (mostWaiting < 1 || mostWaiting > THREADS / 2) {
                throw new IllegalArgumentException(
                        "waiting requests must be 1 to " + THREADS / 2 + ", but were " + mostWaiting);
            }
            address(host);
        }

        /** Whether only programs on this machine reach it. */
        public boolean isLoopback() {
            return address(host).isLoopbackAddress();
        }

        private static InetAddress address(String host) {
            try {
                return InetAddress.getByName(host);
            } catch (UnknownHostException e) {
                throw new IllegalArgumentException(
                        "host must be a name or address of this machine, but was " + host, e);
            }
        }
    }

    private FaceServer(Settings settings, DemoService desk, PrintWriter err) {
        this.desk = desk;
        this.err = err;
        int turns = Math.min(Settings.MAX_TURNS, Runtime.getRuntime().availableProcessors());
        this.admission = new AdmissionControl(settings.mostWaiting(), Settings.MAX_BYTES_WAITING, turns);
        this.server = Javalin.create(config -> configure(config, settings));
    }

    /**
     * Starts answering.
     *
     * @param recognizer with a detector; stays yours to close, after this
     * @param gallery of the recognizer's embeddings; stays yours to close, after this
     * @param err for what goes wrong inside
     * @throws IllegalStateException when the port is taken
     */
    public static FaceServer start(
            Settings settings,
            Recognizer recognizer,
            Gallery gallery,
            FaceThumbnails portraits,
            Threshold threshold,
            PrintWriter err) {
        DemoService desk = new DemoService(recognizer, gallery, portraits, threshold);
        FaceServer server = new FaceServer(settings, desk, err);
        try {
            server.server.start(settings.host(), settings.port());
            return server;
        } catch (JavalinBindException e) {
            throw new IllegalStateException(
                    "port " + settings.port() + " of " + settings.host()
                            + " must be free and allowed, but cannot be bound; take another one (--port)",
                    e);
        }
    }

    /** The port that it answers on. */
    public int port() {
        return server.port();
    }

    /** How many more requests with images would be let in. */
    int freePlaces() {
        return admission.freePlaces();
    }

    private void configure(JavalinConfig config, Settings settings) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.jetty.threadPool = new QueuedThreadPool(THREADS, 8);
        config.jetty.modifyHttpConfiguration(http -> {
            http.setSendServerVersion(false);
            http.setIdleTimeout(IDLE_MS);
        });
        config.jetty.modifyServer(jetty -> {
            ErrorHandler errors = new ErrorHandler(); // of requests that do not get as far as a route
            errors.setShowStacks(false);
            errors.setShowCauses(false);
            errors.setShowOrigin(false);
            jetty.setErrorHandler(errors);
            jetty.setStopTimeout(TimeUnit.SECONDS.toMillis(2));
        });
        addRoutes(config.routes, settings);
    }

    private void addRoutes(RoutesConfig routes, Settings settings) {
        routes.before(new SameOriginFilter(settings.host(), settings.isLoopback()));
        addFile(routes, "/", "index.html", "text/html; charset=utf-8");
        addFile(routes, "/page.js", "page.js", "text/javascript; charset=utf-8");
        addFile(routes, "/page.css", "page.css", "text/css; charset=utf-8");
        addFile(routes, "/icon.svg", "icon.svg", "image/svg+xml");

        routes.get("/api/settings", request -> answer(request, desk.settings()));
        routes.get("/api/gallery", request -> answer(request, desk.list()));
        routes.get("/api/gallery/{entry}/picture", this::portrait);
        routes.delete("/api/gallery/{entry}", this::remove);
        routes.post(
                "/api/enrol",
                request -> compute(request, 1, picture -> desk.enroll(request.queryParam("name"), picture)));
        routes.post("/api/identify", request -> compute(request, 1, desk::identify));
        routes.post(
                "/api/compare",
                request -> compute(request, 2, both -> {
                    byte[][] pictures = Upload.split(
                            both, (int) Math.min(both.length, number(request.queryParam("first"), "first")));
                    return desk.compare(pictures[0], pictures[1]);
                }));

        routes.exception(ApiException.class, (refusal, request) -> {
            drain(request);
            refuse(request, refusal.status(), refusal.getMessage());
        });
        routes.exception(
                HttpResponseException.class,
                (e, request) -> refuse(request, e.getStatus(), "there is nothing of that name here"));
        routes.exception(Exception.class, this::failed);
    }

    /** One of the page's files, from the class path and into memory: no request names a file. */
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
        routes.get(path, request -> request.contentType(type).result(bytes));
    }

    private void compute(Context request, int mostPictures, Function<byte[], Object> work) throws IOException {
        int length = Upload.length(request, mostPictures);
        try (AdmissionControl.Place place = admission.enter(length)) {
            byte[] body = Upload.read(request, length);
            answer(request, place.compute(() -> work.apply(body)));
        }
    }

    private void portrait(Context request) throws IOException {
        byte[] jpeg = desk.portrait(entry(request)).orElseThrow(() -> new ApiException(404, "there is no such image"));
        request.contentType("image/jpeg").result(jpeg);
    }

    private void remove(Context request) throws IOException {
        if (!desk.remove(entry(request))) {
            throw new ApiException(404, "there is no such entry; it may have been removed already");
        }
        answer(request, desk.list());
    }

    private static long entry(Context request) {
        return number(request.pathParam("entry"), "entry");
    }

    private static long number(String text, String what) {
        if (text == null || !text.matches("[0-9]{1,18}")) {
            throw new ApiException(400, what + " must be a number of up to 18 digits");
        }
        return Long.parseLong(text);
    }

    private static void answer(Context request, Object value) {
        try {
            request.contentType("application/json").result(JSON.writeValueAsBytes(value));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write an answer as JSON", e);
        }
    }

    /** What was sent with a request that is refused. */
    private static void drain(Context request) {
        try {
            Upload.drain(request.req().getInputStream());
        } catch (IOException e) {
            // whoever sent it is gone, and will not hear the answer either
        }
    }

    private static void refuse(Context request, int status, String sentence) {
        request.status(status);
        if (status == 503) {
            request.header("Retry-After", "2");
        }
        answer(request, Map.of("error", sentence));
    }

    private void failed(Exception e, Context request) {
        err.println("error: " + request.method() + " failed: " + e);
        if (Boolean.getBoolean("trace")) {
            e.printStackTrace(err);
        }
        refuse(request, 500, "something went wrong inside; the terminal that the server runs in says what");
    }

    /** Ends answering, and waits for what is being computed: recognizer and gallery may be closed afterwards. */
    @Override
    public void close() {
        server.stop();
        if (!admission.end(LONGEST_TURN_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("an image is still being looked at after " + LONGEST_TURN_SECONDS + " s");
        }
    }
}
