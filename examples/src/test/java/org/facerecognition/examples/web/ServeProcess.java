package org.facerecognition.examples.web;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.facerecognition.examples.Main;

/** Runs {@code serve} in a separate process on a free port. */
final class ServeProcess implements AutoCloseable {
    private static final Pattern ADDRESS = Pattern.compile("open (http://\\S+:\\d+)/");

    private static final int MAX_START_SECONDS = 120;

    private final Process process;
    private final BufferedReader err;
    private final List<String> lines = new ArrayList<>();
    private final String url;

    /** Starts the process and returns once the server answers. */
    ServeProcess(List<String> jvmOptions, Object... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(jvmOptions);
        command.addAll(List.of(Main.class.getName(), "serve", "--port", "0"));
        for (Object option : options) {
            command.add(option.toString());
        }
        process = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        err = process.errorReader(StandardCharsets.UTF_8);
        CompletableFuture<Void> kill = CompletableFuture.runAsync(
                () -> process.toHandle().destroyForcibly(), // nothing interrupts reading from a pipe
                CompletableFuture.delayedExecutor(MAX_START_SECONDS, TimeUnit.SECONDS));
        try {
            url = awaitAddress();
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        } finally {
            kill.cancel(false);
        }
    }

    private String awaitAddress() throws IOException {
        String line;
        while ((line = err.readLine()) != null) {
            lines.add(line);
            Matcher address = ADDRESS.matcher(line);
            if (address.find()) {
                return address.group(1);
            }
        }
        throw new IllegalStateException("serve ended before it answered; its output was " + lines);
    }

    String url() {
        return url;
    }

    long pid() {
        return process.pid();
    }

    /** Sends SIGTERM, which stops the server as Ctrl-C does, and returns the lines of its standard error. */
    List<String> stop() throws IOException, InterruptedException {
        process.toHandle().destroy(); // Process.destroy would close the stream before it is read
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            close();
            throw new IllegalStateException("serve did not end within one minute; its output was " + lines);
        }
        err.lines().forEach(lines::add); // those of its end, which fit into the pipe
        return lines;
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
