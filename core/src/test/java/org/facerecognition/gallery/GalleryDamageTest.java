package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files are rejected, and killed processes and full disks lose no acknowledged change. */
class GalleryDamageTest {
    private static final int D = 4;
    private static final float[] X = {1, 0, 0, 0};
    private static final float[] Y = {0, 1, 0, 0};
    private static final float[] Z = {0, 0, 1, 0};

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("people.gallery");
    }

    private Gallery open() {
        return Gallery.open(file, "model", D);
    }

    private byte[] small() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll("Anna", X, "note");
            gallery.enroll("Boris", Y);
            gallery.remove("Anna");
            gallery.enroll("Anna", Z);
            gallery.remove(2);
            gallery.enroll("Clara", X);
        }
        return Files.readAllBytes(file);
    }

    @Test
    void rejectsEveryFlippedByte() throws IOException {
        byte[] whole = small();
        for (int mask : new int[] {0xff, 1}) {
            int erased = 0;
            for (int at = 0; at < whole.length; at++) {
                byte[] flipped = whole.clone();
                flipped[at] ^= (byte) mask;
                Files.write(file, flipped);
                if (catchThrowable(() -> open().close()) == null) { // the erasure was repeated
                    assertThat(Files.readAllBytes(file)).isEqualTo(whole);
                    erased++;
                    continue;
                }
                assertThatThrownBy(() -> open().close())
                        .as("byte %d of %d", at, whole.length)
                        .isInstanceOf(GalleryException.class)
                        .hasMessageStartingWith("gallery " + file)
                        .hasMessageMatching(".* is damaged.*restore a copy, or.*|.* must be a gallery file.*");
                assertThat(Files.readAllBytes(file)).isEqualTo(flipped);
            }
            assertThat(erased).as("bytes of erased bodies and their checksums").isEqualTo(43 + 40);
        }
        // the remedy that the message names
        byte[] flipped = whole.clone();
        flipped[whole.length - 10] ^= 1;
        Files.write(file, flipped);
        String message = catchThrowable(() -> open().close()).getMessage();
        int keep = Integer.parseInt(message.replaceAll(".*truncate the file to (\\d+) bytes.*", "$1"));
        Files.write(file, Arrays.copyOf(whole, keep));
        try (Gallery gallery = open()) {
            assertThat(gallery.identities()).isEqualTo(Map.of("Anna", 1));
            assertThat(gallery.tornBytes()).isZero();
        }
    }

    /** A file that is truncated anywhere keeps its complete batches and can be appended to. */
    @Test
    void cutsOffATornEndAndNothingElse() throws IOException {
        byte[] whole = small();
        List<Map<String, Integer>> states = List.of(
                Map.of(),
                Map.of(), // a removed entry is erased and does not reappear
                Map.of(),
                Map.of(),
                Map.of("Anna", 1),
                Map.of("Anna", 1),
                Map.of("Anna", 1, "Clara", 1));
        int state = -1;
        for (int length = 0; length <= whole.length; length++) {
            if (length % 5 != 0 && length % BatchMark.BYTES != 0) {
                continue; // tests all ends of batches and a fifth of the other lengths
            }
            Files.write(file, Arrays.copyOf(whole, length));
            if (length == 0 || state < 0 && isHeaderCut()) {
                continue;
            }
            long torn;
            try (Gallery gallery = open()) {
                torn = gallery.tornBytes();
                state += torn == 0 ? 1 : 0;
                assertThat(gallery.identities()).as("%d bytes", length).isEqualTo(states.get(state));
                gallery.enroll("Dora", Y);
            }
            try (Gallery gallery = open()) {
                assertThat(gallery.tornBytes()).isZero();
                assertThat(gallery.identities())
                        .containsEntry("Dora", 1)
                        .hasSize(states.get(state).size() + 1);
            }
            if (torn > 0) { // as a file system may leave it after a power failure
                byte[] zeros = Arrays.copyOf(Arrays.copyOf(whole, length), length + 5_000);
                Files.write(file, zeros);
                try (Gallery gallery = open()) {
                    assertThat(gallery.identities())
                            .as("%d bytes and zeros", length)
                            .isEqualTo(states.get(state));
                }
            }
        }
        assertThat(state).isEqualTo(states.size() - 1);
    }

    private boolean isHeaderCut() {
        try (Gallery gallery = open()) {
            return false;
        } catch (GalleryException e) {
            assertThat(e.getMessage())
                    .contains(
                            file.toFile().length() == 0
                                    ? "is empty, with 0 bytes, as after an interrupted copy; restore a copy, or delete"
                                    : "is damaged: its header does not match its checksum");
            return true;
        }
    }

    @Test
    void anInterruptedCompactionLeavesTheOldFile() throws IOException {
        byte[] whole = small();
        byte[] firstVersion = Arrays.copyOf(whole, 60);
        firstVersion[8] = 1;
        Files.write(folder.resolve("people.gallery.tmp"), firstVersion); // earlier versions used this name
        Files.writeString(folder.resolve("people.gallery.hnsw.tmp"), "FACEHNS1 and the rest"); // and this one
        for (String name :
                List.of(".people.gallery.0123456789abcdef.tmp", ".people.gallery.hnsw.0123456789abcdef.tmp")) {
            Files.write(folder.resolve(name), Arrays.copyOf(whole, 60));
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.identities()).isEqualTo(Map.of("Anna", 1, "Clara", 1));
        }
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void acknowledgedChangesSurviveKills() throws Exception {
        Set<Integer> acknowledged = new HashSet<>();
        int kills = Boolean.getBoolean("tests.long") ? 50 : 10; // GalleryKillDrillTest has more kinds of kills
        for (int kill = 0; kill < kills; kill++) {
            Process process = EnrollingChild.start(file, kill * 1_000, 1_000);
            try (BufferedReader out = process.inputReader()) {
                for (int lines = 0; lines <= kill % 2; lines++) { // one person is enrolled, or a batch too
                    EnrollingChild.parse(out.readLine(), acknowledged);
                }
                TimeUnit.MICROSECONDS.sleep(kill * 6_119 % 83_000); // not in step with the child's work
                process.toHandle().destroyForcibly(); // SIGKILL; the printed lines can still be read
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    EnrollingChild.parse(line, acknowledged);
                }
            }
            assertThat(process.waitFor()).as("killed").isEqualTo(128 + 9);
            if (kill % 10 == 9) {
                EnrollingChild.assertAllEnrolled(file, acknowledged);
            }
        }
        assertThat(acknowledged).hasSizeGreaterThan(EnrollingChild.BATCH);
    }

    /** A part of the batch used to stay, and later changes were refused as if another program had written it. */
    @Test
    void aChangeForWhichMemoryRanOutLeavesNothing() throws IOException {
        byte[] before = small();
        List<Enrollment> batch = Collections.nCopies(30_000, new Enrollment("Dora", X, "a note that fills the buffer"));
        AtomicInteger writes = new AtomicInteger();
        LogFile.Opener failing = path -> {
            LogFile real = LogFile.open(path);
            return FaultyDataSource.proxy(LogFile.class, (method, args) -> {
                if (method.getName().equals("write") && writes.incrementAndGet() == 2) {
                    throw new OutOfMemoryError("no memory");
                }
                return FaultyDataSource.call(real, method, args);
            });
        };
        try (Gallery gallery = FileGallery.open(file, "model", D, SearchMethod.EXACT, failing)) {
            assertThatThrownBy(() -> gallery.enroll(batch)).isInstanceOf(OutOfMemoryError.class);
            assertThat(file).hasBinaryContent(before);
            gallery.enroll("Dora", X);
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.tornBytes()).isZero();
            assertThat(gallery.identities()).isEqualTo(Map.of("Anna", 1, "Clara", 1, "Dora", 1));
        }
    }

    @Test
    void aFullDiskIsReportedAndLosesNothing() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs a shell that can limit the size of files");

        Process limited = EnrollingChild.start(file, 0, 10, "/bin/bash", "-c", "ulimit -f 16; exec \"$@\"", "bash");
        List<String> lines = new ArrayList<>();
        try (BufferedReader out = limited.inputReader()) {
            out.lines().forEach(lines::add);
        }

        assertThat(limited.waitFor()).isEqualTo(1);
        assertThat(lines).hasSize(2); // one person is enrolled, and then a batch fails
        assertThat(lines.get(1))
                .startsWith("error: cannot write gallery " + file + ": ")
                .endsWith(
                        "; the " + EnrollingChild.BATCH + " entries of this change were not enrolled; free some space");
        Set<Integer> acknowledged = new HashSet<>();
        EnrollingChild.parse(lines.get(0), acknowledged);
        assertThat(Files.size(file)).as("truncated to complete batches").isLessThan(1024);
        EnrollingChild.assertAllEnrolled(file, acknowledged);
        assertThat(EnrollingChild.lastLine(EnrollingChild.start(file, 10, 3)))
                .isEqualTo(12 * EnrollingChild.BATCH + " 1;");
    }
}
