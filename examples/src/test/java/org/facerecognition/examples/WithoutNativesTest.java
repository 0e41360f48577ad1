package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.examples.web.Photos;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * Commands when native libraries cannot be unpacked, because there is no folder for them or its disk is full. Earlier,
 * they printed 40 lines of the parser's stack trace. Each test runs in a separate JVM.
 */
class WithoutNativesTest {
    private static final String WAY_OUT =
            " cannot be unpacked to JavaCPP's cache folder (make room there, or name one that"
                    + " this user may write to with -Dorg.bytedeco.javacpp.cachedir=DIR): ";

    @TempDir
    Path folder;

    /** Runs commands and prints their exit codes and output. */
    static final class Child {
        public static void main(String[] args) {
            if (args[0].equals("help")) {
                help(Main.commandLine(Main.class, new PrintWriter(System.out), new PrintWriter(System.err)), List.of());
            } else {
                for (String command : args) {
                    run(command.split(" "));
                    run(command.split(" ")); // the second failure of a class has another message
                }
            }
        }

        private static void help(CommandLine command, List<String> path) {
            List<String> words = new ArrayList<>(path);
            words.add("--help");
            run(words.toArray(String[]::new));
            command.getSubcommands().forEach((name, sub) -> {
                List<String> deeper = new ArrayList<>(path);
                deeper.add(name);
                help(sub, deeper);
            });
        }

        private static void run(String... words) {
            StringWriter output = new StringWriter();
            int code = Main.run(new PrintWriter(output, true), new PrintWriter(output, true), words);
            System.out.println(
                    words[0] + " " + code + ": " + output.toString().strip().replace(System.lineSeparator(), " | "));
        }
    }

    private List<String> run(String limit, List<String> jvmOptions, String... args)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(jvmOptions);
        command.add(Child.class.getName());
        command.addAll(List.of(args));
        if (!limit.isEmpty()) {
            command.addAll(0, List.of("sh", "-c", limit + " && exec \"$@\"", "sh"));
        }
        Process process =
                Cli.limit(new ProcessBuilder(command).redirectErrorStream(true).start(), 120);
        List<String> lines = process.inputReader().lines().toList();
        assertThat(process.waitFor()).as(() -> String.join("\n", lines)).isZero();
        return lines;
    }

    /** Names a folder below a file, which no user can create. */
    private List<String> withoutAFolder() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        return List.of("-Dorg.bytedeco.javacpp.cachedir=" + file, "-Duser.home=" + file, "-Djava.io.tmpdir=" + file);
    }

    private String photo() throws IOException {
        return Files.write(folder.resolve("photo.png"), Photos.of(1, Photos.ANN))
                .toString();
    }

    private String[] commands() throws IOException {
        return new String[] {
            "doctor",
            "detect --detector " + Photos.DETECTOR + " " + photo(),
            "embed --model absent.pt --encoder mobilefacenet " + photo(),
            "demo --out " + folder.resolve("demo")
        };
    }

    @Test
    void helpNeedsNoNatives() throws Exception {
        List<String> lines = run("", withoutAFolder(), "help");
        assertThat(lines).hasSizeGreaterThan(15).allMatch(line -> line.matches("[a-z-]+ 0: .*Usage: .*"));
        assertThat(lines).anyMatch(line -> line.startsWith("train 0: ") && line.contains("efficientnet_v2_m"));
    }

    @Test
    void explainsAMissingFolderInOneSentence() throws Exception {
        String reason = "Could not create the cache: Set the \"org.bytedeco.javacpp.cachedir\" system property.";
        assertThat(run("", withoutAFolder(), commands())).hasSize(8).allSatisfy(line -> {
            if (line.startsWith("doctor")) {
                assertThat(line)
                        .startsWith("doctor 1: ")
                        .contains("opencv         WRONG: JavaCPP's library" + WAY_OUT + reason)
                        .contains("libtorch       WRONG: libtorch" + WAY_OUT + reason)
                        .endsWith("something is wrong: see the lines marked WRONG");
            } else {
                assertThat(line).matches("[a-z]+ 1: ([^|]* \\| )?error: [^|]*");
                assertThat(line).contains(WAY_OUT).endsWith(reason);
            }
        });
    }

    @Test
    void explainsAFullDiskInOneSentence() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "skipped: needs a shell that limits the size of files");
        Path cache = Files.createDirectory(folder.resolve("cache"));
        List<String> lines = run("ulimit -f 200", List.of("-Dorg.bytedeco.javacpp.cachedir=" + cache), commands());
        assertThat(lines)
                .hasSize(8)
                .allSatisfy(line -> assertThat(line)
                        .contains(" 1: ", WAY_OUT + "File too large")
                        .doesNotContain("Could not initialize", "\tat "));
    }
}
