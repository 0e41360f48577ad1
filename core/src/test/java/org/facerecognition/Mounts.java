package org.facerecognition;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * File systems that are mounted for a test, where the user may do that: root on Linux. Elsewhere the test is skipped.
 */
final class Mounts implements AutoCloseable {
    private final List<Path> mounted = new ArrayList<>();

    /** Mounts an empty file system in memory, of so many KiB. */
    Path memory(Path folder, int kib) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        mount(folder, "-t", "tmpfs", "-o", "size=" + kib + "k", "tmpfs", folder.toString());
        return folder;
    }

    /** Makes a folder read-only for everybody, root included, whatever is open in it. */
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
        } catch (IOException e) { // no such program
            return false;
        }
    }

    /** Unmounts what was mounted last. */
    void undo() throws InterruptedException {
        Path last = mounted.remove(mounted.size() - 1);
        run(List.of("umount", "-l", last.toString()));
    }

    @Override
    public void close() throws InterruptedException {
        while (!mounted.isEmpty()) {
            undo();
        }
    }
}
