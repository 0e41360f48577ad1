package org.facerecognition.io;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A child process that writes and locks files as commanded by lines on its standard input. */
final class FileChild implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final BufferedWriter commands;

    private FileChild(Process process) {
        this.process = process;
        this.answers = process.inputReader();
        this.commands = process.outputWriter();
    }

    static FileChild start(String... prefix) {
        List<String> command = new ArrayList<>(List.of(prefix));
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                FileChild.class.getName()));
        try {
            return new FileChild(new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void send(String what, Object... words) throws IOException {
        StringBuilder line = new StringBuilder(what);
        for (Object word : words) {
            line.append('\t').append(word);
        }
        commands.write(line.append('\n').toString());
        commands.flush();
    }

    @Nullable
    String answer() throws IOException {
        return answers.readLine();
    }

    @Nullable
    String ask(String what, Object... words) throws IOException {
        send(what, words);
        return answer();
    }

    long pid() {
        return process.pid();
    }

    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }

    // ---- in the child process ----

    private static @Nullable WriterLock lock;

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split("\t");
            System.out.println(execute(words[0], Path.of(words[1]), words, in));
            System.out.flush();
        }
    }

    private static String execute(String what, Path file, String[] words, BufferedReader in) throws Exception {
        switch (what) {
            case "write" -> {
                try {
                    AtomicFile.write(file, words[2].repeat(Integer.parseInt(words[3])));
                } catch (IOException e) {
                    return AtomicFile.cannotWrite(file, e);
                }
                return "written";
            }
            case "begin" -> { // writes one half, and the other half after the next line
                AtomicFile.writeStream(file, out -> {
                    out.write(new byte[100_000]);
                    out.flush();
                    System.out.println("half");
                    System.out.flush();
                    in.readLine();
                    out.write(new byte[100_000]);
                });
                return "written";
            }
            case "lock" -> {
                try {
                    lock = WriterLock.of(file, "a child");
                    return "locked";
                } catch (LockedException e) {
                    return (e.byThisProcess() ? "this process: " : "another process: ") + e.holder();
                }
            }
            case "forget" -> {
                WriterLock.of(file, "a child that forgets its lock");
                for (int i = 0; i < 5; i++) {
                    System.gc();
                    Thread.sleep(20);
                }
                return "forgotten";
            }
            case "release" -> {
                lock.close();
                return "released";
            }
            case "rounds" -> {
                return WriterLockTest.rounds(file, Path.of(words[2]), Integer.parseInt(words[3]));
            }
            default -> throw new IllegalArgumentException(what);
        }
    }
}
