package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.facerecognition.Recognizer;
import org.facerecognition.examples.web.FaceServer;
import org.facerecognition.examples.web.FaceThumbnails;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code serve}: a page to try it on. */
@Command(
        name = "serve",
        description =
                "Show a page in the browser: enroll faces from files or the camera, find out who somebody is, compare"
                        + " two faces. Images do not leave this machine. Ctrl-C ends it.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class ServeCommand implements Callable<Integer> {
    private static final long LONGEST_CLOSING_SECONDS = 40;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @ArgGroup
    private ThresholdOptions bound = new ThresholdOptions();

    @Option(names = "--no-flip", description = "Embed each face as it is only, not its mirror image too.")
    private boolean noFlip;

    @Option(
            names = "--gallery",
            paramLabel = "FILE",
            description =
                    "Keep who is enrolled here, and small images of their faces in the folder FILE.faces. Default:"
                            + " in memory, until the end.")
    private @Nullable Path gallery;

    @Option(names = "--port", defaultValue = "8080", description = "0 for any free one. Default: ${DEFAULT-VALUE}.")
    private int port;

    @Option(
            names = "--host",
            defaultValue = "127.0.0.1",
            description =
                    "Address or name to bind to. Others can reach the page where it is not loopback, and there is no"
                            + " login. Default: ${DEFAULT-VALUE}.")
    private String host;

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        FaceServer.Settings settings = new FaceServer.Settings(host, port);
        CountDownLatch stop = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        try (FaceDetector finder = detector.openRequired(err);
                Recognizer recognizer = model.load()) {
            recognizer.useDetector(finder);
            recognizer.useFlip(!noFlip);
            try (Gallery people = open(recognizer);
                    FaceServer server = FaceServer.start(
                            settings, recognizer, people, portraits(people), bound.of(recognizer), err)) {
                Thread onStop = StopHook.add("stop", () -> end(stop, closed));
                try {
                    welcome(settings, server.port(), people, err);
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

    private Gallery open(Recognizer recognizer) {
        if (gallery == null) {
            return Gallery.inMemory(recognizer.fingerprint(), recognizer.embeddingSize());
        }
        Gallery kept = Gallery.open(gallery, recognizer.fingerprint(), recognizer.embeddingSize());
        try {
            kept.bindEmbeddingMode(recognizer.embeddingMode().toString());
            return kept;
        } catch (RuntimeException e) {
            kept.close();
            throw e;
        }
    }

    private FaceThumbnails portraits(Gallery people) throws IOException {
        return gallery == null
                ? FaceThumbnails.inMemory()
                : FaceThumbnails.beside(
                        gallery, people.entries().stream().map(Entry::id).toList());
    }

    private void welcome(FaceServer.Settings settings, int actualPort, Gallery people, PrintWriter err) {
        if (!settings.isLoopback()) {
            err.println(
                    "warning: bound to " + host + ", so that others on the network can reach it: there is no login, and"
                            + " images travel unencrypted (browsers then give no camera either)");
        }
        String kept = gallery == null
                ? "kept in memory, until the end; --gallery FILE keeps them"
                : "kept in " + gallery + ", images of the faces in " + gallery + ".faces";
        err.println(people.size() + " entries, " + kept);
        String shown = host.contains(":") ? "[" + host + "]" : host;
        err.println("open http://" + shown + ":" + actualPort + "/ in a browser; Ctrl-C ends it");
        err.flush();
    }

    /** The JVM waits for this: until the gallery is closed. */
    private static void end(CountDownLatch stop, CountDownLatch closed) {
        stop.countDown();
        try {
            closed.await(LONGEST_CLOSING_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
