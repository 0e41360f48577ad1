package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FacePairsPickleTest {
    /** It was called damaged. */
    @Test
    void saysThatAFileCannotBeRead(@TempDir Path folder) {
        assertThatThrownBy(() -> FacePairs.insightfaceBin(folder))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("data file " + folder + " cannot be read: ");
    }

    /** It was called damaged. */
    @Test
    void saysThatAVerificationSetMakesTooManyValues(@TempDir Path folder) throws IOException {
        byte[] pickle = new byte[20_000_010];
        Arrays.fill(pickle, (byte) 'N');
        Path file = Files.write(folder.resolve("pairs.bin"), pickle);
        assertThatThrownBy(() -> FacePairs.insightfaceBin(file))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("data file " + file + " was rejected: its pickle makes more than ");
    }
}
