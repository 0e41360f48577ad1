package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.text.Normalizer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFileNamesTest {
    @TempDir
    Path root;

    /** Earlier, on macOS, the crop of one replaced that of the other. */
    @Test
    void namesDifferBeyondNormalization() {
        String composed = "Jos\u00e9.jpg";
        Path one = root.resolve("a").resolve(composed);
        Path other = root.resolve("b").resolve(Normalizer.normalize(composed, Normalizer.Form.NFD));
        List<ImageFileNames> files = ImageFileNames.of(List.of(one, other)).files();
        assertThat(files).extracting(ImageFileNames::file).containsExactly(one, other);
        assertThat(files)
                .extracting(file -> Normalizer.normalize(file.name().toString(), Normalizer.Form.NFC))
                .containsExactly("Jos\u00e9", "Jos\u00e9-jpg");
    }
}
