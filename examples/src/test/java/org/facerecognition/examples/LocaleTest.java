package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands where people write digits of their own: some printed them, and others did not. */
class LocaleTest {
    @TempDir
    Path folder;

    @Test
    void figuresAreWrittenInOneWay() throws IOException, InterruptedException {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path model = folder.resolve("out/last.ckpt");
        assertThat(Cli.train(faces, folder.resolve("out"), "--max-steps", 1).code())
                .isZero();
        Path gallery = folder.resolve("people.gallery");
        List<String> command =
                Cli.command("gallery", "enroll", "--folder", faces, "--gallery", gallery, "--model", model);
        command.addAll(1, List.of("-Duser.language=ar", "-Duser.country=EG"));
        command.addAll(1, List.of("-Dstdout.encoding=UTF-8", "-Dstderr.encoding=UTF-8")); // of Java 19 and later
        command.addAll(1, List.of("-Dsun.stdout.encoding=UTF-8", "-Dsun.stderr.encoding=UTF-8"));
        Process enroll =
                Cli.limit(new ProcessBuilder(command).redirectErrorStream(true).start(), 120);
        List<String> lines = enroll.inputReader(StandardCharsets.UTF_8).lines().toList();
        assertThat(enroll.waitFor()).as(lines.toString()).isZero();
        assertThat(lines)
                .anyMatch(line -> line.startsWith("enrolled 18, "))
                .noneMatch(line -> line.matches(".*[\\u0660-\\u0669].*"));
    }

    /** A program of the README printed "cosine 0,457" where decimals have a comma; StepsTest runs the others. */
    @Test
    void theProgramOfTheReadmeFormatsInOneWay() throws IOException {
        String program =
                Files.readString(Path.of("src/main/java/org/facerecognition/examples/VerifyTwoPhotographs.java"));
        assertThat(program).contains("printf(").doesNotContainPattern("(printf|format)\\(\\s*(?!Locale\\.ROOT)\\S");
    }
}
