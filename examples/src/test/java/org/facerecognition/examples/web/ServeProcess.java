package org.facerecognition.examples.web;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.facerecognition.examples.Main;

/** {@code serve} in a process of its own. */
final class ServeProcess implements AutoCloseable {
    private static final Pattern ADDRESS = Pattern.compile("open (http://\\S+:\\d+)/");

    private final Process process;
    private final BufferedReader err;
    private final List<String> lines = new ArrayList<>();
    private final String url;

    /** Returns when it answers. */
    ServeProcess(List<String> jvmWords, Object... words) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(System.getProperty("java.home") + "/bin/java", "-cp", System.getProperty("java.class.path")));
        command.addAll(jvmWords);
        command.addAll(List.of(Main.class.getName(), "serve", "--port", "0"));
        for (Object word : words) {
            command.add(word.toString());
        }
        process = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        err = process.errorReader(StandardCharsets.UTF_8);
        url = awaitAddress();
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
        throw new IllegalStateException("serve must start, but said " + lines);
    }

    String url() {
        return url;
    }

    long pid() {
        return process.pid();
    }

    /** Sends SIGTERM, which ends it as Ctrl-C does, and returns what it has said. */
    List<String> end() throws IOException, InterruptedException {
        process.toHandle().destroy(); // Process.destroy would close what it still has to say
        err.lines().forEach(lines::add);
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("serve must end within a minute, but said " + lines);
        }
        return lines;
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
