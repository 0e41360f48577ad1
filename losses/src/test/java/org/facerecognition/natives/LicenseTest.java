package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class LicenseTest {
    /** Jars used to have none. */
    @Test
    void whatIsPackedIntoTheJarHasTheLicense() throws IOException, URISyntaxException {
        Path classes = Path.of(Libtorch.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        assertThat(classes.resolve("META-INF/LICENSE")).hasSameTextualContentAs(Path.of("..", "LICENSE"));
    }
}
