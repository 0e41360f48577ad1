package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.Command;

class MainTest {
    @Command(name = "fail")
    private record Failing(Exception error) implements Callable<Integer> {
        @Override
        public Integer call() throws Exception {
            throw error;
        }
    }

    static Stream<Arguments> errors() {
        return Stream.of(
                Arguments.of(new AccessDeniedException("a/b"), "cannot use a/b: permission denied"),
                Arguments.of(new NoSuchFileException("a/b"), "cannot use a/b: the folder or file is missing"),
                Arguments.of(new NotDirectoryException("a/b"), "cannot use a/b: it is not a folder"),
                Arguments.of(new FileAlreadyExistsException("a/b"), "cannot use a/b: a/b is not a folder"),
                Arguments.of(
                        new FileSystemException("a/b", null, "Read-only file system"),
                        "cannot use a/b: Read-only file system"),
                Arguments.of(
                        new UncheckedIOException(new AccessDeniedException("a/b")),
                        "cannot use a/b: permission denied"),
                Arguments.of(
                        new UncheckedIOException("a whole sentence", new AccessDeniedException("a/b")),
                        "a whole sentence"),
                Arguments.of(new IOException("a whole sentence"), "a whole sentence"),
                Arguments.of(
                        new RuntimeException("OpenCV(4.11.0) /src/resize.cpp:41: error: (-215:Assertion failed)"
                                + " size > 0 in function 'resize'\n    at native code"),
                        "a native library failed: size > 0 in function 'resize'"));
    }

    /** Earlier, most errors of the file system were reported as a path, without a word about what is wrong. */
    @ParameterizedTest
    @MethodSource("errors")
    void saysWhatIsWrongWithAFile(Exception error, String sentence) {
        StringWriter err = new StringWriter();
        int code = Main.commandLine(new Failing(error), new PrintWriter(err, true), new PrintWriter(err, true))
                .execute();
        assertThat(err.toString().strip()).isEqualTo("error: " + sentence);
        assertThat(code).isEqualTo(Main.FAILED);
    }
}
