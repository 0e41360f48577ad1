package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads the error messages of a process and keeps the last one, which says why it ended. */
final class LastLine {
    private static final long MAX_WAIT_MS = 2_000;

    private final Thread reader;
    private volatile @Nullable String last;

    /** @param process whose standard error nobody else reads */
    LastLine(Process process) {
        BufferedReader errors = process.errorReader(StandardCharsets.UTF_8);
        this.reader = new Thread(() -> read(errors), "error messages");
        reader.setDaemon(true);
        reader.start();
    }

    private void read(BufferedReader errors) {
        try {
            for (String line = errors.readLine(); line != null; line = errors.readLine()) {
                if (!line.isBlank()) {
                    last = line.strip();
                }
            }
        } catch (IOException e) {
            // the process was ended
        }
    }

    /** Returns the last message of a process that has ended, after a colon; nothing if there is none. */
    String quoted() {
        try {
            reader.join(MAX_WAIT_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        String line = last;
        return line == null ? "" : ": " + line;
    }
}
