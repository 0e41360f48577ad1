package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class VectorsTest {
    private static final int D = 1 << 20; // 8 rows in each block
    private static final Pattern RANGE = Pattern.compile("([0-9a-f]+)-([0-9a-f]+) ");

    /** A reservation that failed used to lose the memory that it had got before. */
    @Test
    void keepsTheBlocksThatItGotBeforeMemoryRanOut() {
        List<Long> sizes = new ArrayList<>();
        try (Vectors vectors = new Vectors(D, bytes -> {
            sizes.add(bytes);
            return sizes.size() == 3 ? null : Pointer.malloc(bytes);
        })) {
            assertThatThrownBy(() -> vectors.reserve(40))
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessageContaining("8 embeddings of " + D);
            assertThat(vectors.rowsOfBlock(1).capacity()).isEqualTo(8L * D);
            vectors.reserve(24);
            assertThat(sizes).as("one block more").hasSize(4);
        }
    }

    /** With pages of 4 KiB, a search took half as long again. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void asksForLargePages() throws IOException {
        assumeThat(Path.of("/sys/kernel/mm/transparent_hugepage/enabled")).exists();
        try (Vectors vectors = new Vectors(D)) {
            vectors.reserve(8);
            assertThat(flags(vectors.rowsOfBlock(0).address())).contains("hg");
        }
    }

    /** Returns what the kernel knows of the memory at an address. */
    private static List<String> flags(long address) throws IOException {
        boolean here = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            Matcher range = RANGE.matcher(line);
            if (range.lookingAt()) {
                here = Long.compareUnsigned(Long.parseUnsignedLong(range.group(1), 16), address) <= 0
                        && Long.compareUnsigned(address, Long.parseUnsignedLong(range.group(2), 16)) < 0;
            } else if (here && line.startsWith("VmFlags:")) {
                return List.of(line.split(" +"));
            }
        }
        throw new AssertionError("no memory at " + address);
    }
}
