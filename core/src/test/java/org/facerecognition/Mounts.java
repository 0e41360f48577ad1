package org.facerecognition;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Mounts file systems for a test and unmounts them when closed. Tests are skipped unless the user may mount, which is
 * root on Linux.
 */
final class Mounts implements AutoCloseable {
    private final List<Path> mounted = new ArrayList<>();

    /** Creates a folder and mounts an empty in-memory file system of {@code kib} KiB there. */
    Path memory(Path folder, int kib) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        mount(folder, "-t", "tmpfs", "-o", "size=" + kib + "k", "tmpfs", folder.toString());
        return folder;
    }

    /** Makes a folder read-only for every user, root included, even while files in it are open. */
    void readOnly(Path folder) throws IOException, InterruptedException {
        mount(folder, "--bind", folder.toString(), folder.toString());
        mount(null, "-o", "remount,bind,ro", folder.toString());
    }

    private void mount(Path added, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("mount"));
        command.addAll(List.of(args));
        assumeTrue(run(command), "needs the right to mount file systems");
        if (added != null) {
            mounted.add(added);
        }
    }

    private static boolean run(List<String> command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) { // there is no mount command
            return false;
        }
    }

    /** Unmounts the most recently mounted file system. */
    void unmountLast() throws InterruptedException {
        Path last = mounted.remove(mounted.size() - 1);
        run(List.of("umount", "-l", last.toString()));
    }

    @Override
    public void close() throws InterruptedException {
        while (!mounted.isEmpty()) {
            unmountLast();
        }
    }
}
