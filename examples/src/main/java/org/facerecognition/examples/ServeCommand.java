package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.Threshold;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.examples.web.FaceServer;
import org.facerecognition.examples.web.FaceThumbnails;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code serve}: serves the demo page on this machine. */
@Command(
        name = "serve",
        description = {
            "Serve a page for the browser: enroll faces, identify people, compare two faces.",
            "The page takes images from files or the camera. This server processes them and sends them nowhere else;"
                    + " embeddings of enrolled faces are stored in --gallery. Ctrl-C stops the server."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class ServeCommand implements Callable<Integer> {
    private static final long MAX_CLOSING_SECONDS = 40;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @ArgGroup
    private ThresholdOptions threshold = new ThresholdOptions();

    @Option(names = "--no-flip", description = "Do not add the embedding of each face's mirror image.")
    @HelpSection(Heading.MODEL)
    private boolean noFlip;

    @Option(
            names = "--gallery",
            paramLabel = "FILE|URL",
            description = "Store the people who are enrolled in this file, and thumbnails of their faces in the folder"
                    + " FILE.faces; or in PostgreSQL with pgvector at jdbc:postgresql://HOST/DATABASE?gallery=NAME, which"
                    + " many servers may share (user and password: PGUSER and PGPASSWORD in the environment, or"
                    + " ~/.pgpass). Default: in memory, until the server stops.")
    @HelpSection(Heading.GALLERY)
    private @Nullable String gallery;

    @Mixin
    private GalleryCommand.OnDiskOption onDisk = new GalleryCommand.OnDiskOption();

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "8080",
            description = "Port of the server; 0 for any free port.")
    @HelpSection(Heading.NETWORK)
    private int port;

    @Option(
            names = "--host",
            paramLabel = "HOST",
            defaultValue = "127.0.0.1",
            description =
                    "Address or host name to bind to. Unless it is a loopback address, others can reach the page, which"
                            + " has no login.")
    @HelpSection(Heading.NETWORK)
    private String host;

    @Option(
            names = "--public-name",
            paramLabel = "NAME",
            description = "Behind a proxy: the host name, and the port if there is one, that browsers show, such as"
                    + " faces.example.org. Requests under this name are then accepted. May be repeated.")
    @HelpSection(Heading.NETWORK)
    private List<String> publicNames = List.of();

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        if (gallery == null && onDisk.isGiven()) {
            throw new IllegalArgumentException(
                    "--on-disk must be given with --gallery FILE, whose embeddings it leaves" + " on the disk");
        }
        threshold.requireInRange();
        FaceServer.Settings settings = new FaceServer.Settings(host, port).withPublicNames(publicNames);
        CountDownLatch stop = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        try (@Nullable GalleryPlace place = gallery == null ? null : GalleryPlace.of(gallery, onDisk.isGiven());
                FaceDetector faceDetector = detector.openRequired(err);
                LoadedEmbedder loaded = model.loadToEmbed(faceDetector, face.choice(), !noFlip)) {
            FaceEmbedder embedder = loaded.embedder();
            Threshold decision = threshold.of(embedder); // before a new gallery is bound to this model and mode
            try (Gallery people = open(place, embedder);
                    FaceServer server = FaceServer.start(
                            settings, embedder, faceDetector, people, thumbnails(place, people), decision, err)) {
                Thread onStop = StopHook.add("stop", () -> end(stop, closed));
                try {
                    FalseAlarms.report(decision, embedder, people, err);
                    welcome(settings, server.port(), place, people, err);
                    stop.await();
                } finally {
                    StopHook.remove(onStop);
                }
                err.println("stopping");
            }
        } finally {
            closed.countDown();
        }
        return 0;
    }

    private static Gallery open(@Nullable GalleryPlace place, FaceEmbedder embedder) {
        if (place == null) {
            return Gallery.inMemory(embedder.fingerprint(), embedder.embeddingSize());
        }
        Gallery kept = place.open(embedder.fingerprint(), embedder.embeddingSize());
        try {
            kept.bindEmbeddingMode(embedder.embeddingMode().toString());
            return kept;
        } catch (RuntimeException e) {
            kept.close();
            throw e;
        }
    }

    private static FaceThumbnails thumbnails(@Nullable GalleryPlace place, Gallery people) throws IOException {
        return place == null ? FaceThumbnails.inMemory() : place.thumbnails(people);
    }

    private void welcome(
            FaceServer.Settings settings,
            int actualPort,
            @Nullable GalleryPlace place,
            Gallery people,
            PrintWriter err) {
        if (!settings.isLoopback()) {
            err.println(
                    "warning: bound to " + host + ", so that others on the network can reach the page: it has no login,"
                            + " and images are sent unencrypted (browsers then do not allow the camera either)");
        }
        String kept = place == null
                ? "kept in memory until the server stops; --gallery FILE keeps them"
                : "kept in " + place + ", " + place.thumbnailsNote();
        err.println(people.size() + " entries, " + kept);
        String shown = host.contains(":") ? "[" + host + "]" : host;
        err.println("open http://" + shown + ":" + actualPort + "/ in a browser; Ctrl-C stops the server");
        err.flush();
    }

    /** Stops the server and waits until the gallery is closed, because the JVM exits when its hooks return. */
    private static void end(CountDownLatch stop, CountDownLatch closed) {
        stop.countDown();
        try {
            closed.await(MAX_CLOSING_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
