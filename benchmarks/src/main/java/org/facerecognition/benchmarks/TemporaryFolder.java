package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A temporary folder that is deleted when it is closed, and when the program is interrupted. */
final class TemporaryFolder implements AutoCloseable {
    private static final int MAX_TRIES = 20;
    private static final long TRY_MS = 100;
    private static final long CHILDREN_SECONDS = 10;

    private final Path path;
    private final Thread hook = new Thread(this::deleteAtExit);

    private TemporaryFolder(Path path) {
        this.path = path;
    }

    /** Creates an empty folder whose name begins so. */
    static TemporaryFolder create(String name) throws IOException {
        TemporaryFolder folder = new TemporaryFolder(Files.createTempDirectory(name));
        Runtime.getRuntime().addShutdownHook(folder.hook);
        return folder;
    }

    Path path() {
        return path;
    }

    @Override
    public void close() throws IOException {
        delete();
        try {
            Runtime.getRuntime().removeShutdownHook(hook); // last: deleting may take long
        } catch (IllegalStateException e) {
            // the program is being ended, and the hook runs
        }
    }

    private void delete() throws IOException {
        try (var files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Ends the child processes, which may use the folder, and deletes it. Threads of this process still run. */
    private void deleteAtExit() {
        endChildren();
        for (int i = 0; i < MAX_TRIES && Files.exists(path); i++) {
            try {
                delete();
            } catch (IOException | UncheckedIOException e) {
                pause(); // a thread has written or removed a file in the meantime
            }
        }
    }

    private static void endChildren() {
        List<ProcessHandle> children = ProcessHandle.current().descendants().toList();
        children.forEach(ProcessHandle::destroy);
        try {
            CompletableFuture.allOf(children.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new))
                    .get(CHILDREN_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            children.forEach(ProcessHandle::destroyForcibly);
        } catch (InterruptedException | ExecutionException e) {
            // the folder is deleted nevertheless
        }
    }

    private static void pause() {
        try {
            Thread.sleep(TRY_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
