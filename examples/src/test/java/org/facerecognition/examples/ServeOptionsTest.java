package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Options of {@code serve} that are wrong, which it says before it reads or creates a file. */
class ServeOptionsTest {
    @TempDir
    Path folder;

    private Cli.Result serve(Object... more) {
        List<Object> words = new ArrayList<>(List.of("serve", "--model", folder.resolve("missing.model")));
        words.addAll(List.of("--detector", folder.resolve("missing.onnx"), "--gallery", folder.resolve("g")));
        words.addAll(List.of(more));
        Cli.Result result = Cli.run(words.toArray());
        assertThat(result.code()).as(result.err()).isEqualTo(Main.USED_WRONGLY);
        assertThat(folder).isEmptyDirectory();
        return result;
    }

    /** Its port was said to be in use, after the model had been loaded and the gallery created. */
    @Test
    void rejectsAnAddressOfAnotherMachine() {
        assertThat(serve("--host", "192.0.2.1").err())
                .startsWith("error: --host must be a name or address of this machine, but 192.0.2.1 is none of its"
                        + " addresses");
    }

    @Test
    void rejectsPublicNamesThatAreNone() {
        assertThat(serve("--public-name", "faces.example", "--public-name", "https://lab.example")
                        .err())
                .startsWith("error: --public-name must be a host name")
                .contains("but was 'https://lab.example'");
    }
}
