package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands where people write digits of their own: some printed them, and others did not. */
class LocaleTest {
    @TempDir
    Path folder;

    @Test
    void figuresAreWrittenInOneWay() throws IOException {
        Path faces = Cli.faces(folder.resolve("faces"));
        Path model = folder.resolve("out/last.ckpt");
        assertThat(Cli.train(faces, folder.resolve("out"), "--max-steps", 1).code())
                .isZero();
        List<String> lines = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Duser.language=ar",
                        "-Duser.country=EG",
                        "-Xss4m",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Main.class.getName(),
                        "gallery",
                        "enroll",
                        "--folder",
                        faces.toString(),
                        "--gallery",
                        folder.resolve("people.gallery").toString(),
                        "--model",
                        model.toString())
                .redirectErrorStream(true)
                .start()
                .inputReader()
                .lines()
                .toList();
        assertThat(lines)
                .anyMatch(line -> line.contains("18"))
                .noneMatch(line -> line.matches(".*[\\u0660-\\u0669].*"));
    }
}
