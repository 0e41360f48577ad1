package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes are killed while they enroll, remove, erase and compact, by several paths to one file; of every second one,
 * pages of the file behind what was acknowledged are lost or zeroed, as when power is lost. A few kills in each build,
 * 200 with {@code -Dtests.long=true}, or {@code -Ddrill.kills=N}.
 */
@DisabledOnOs(OS.WINDOWS)
class GalleryKillDrillTest {
    private static final int D = GalleryDrillChild.DIMENSION;
    private static final int PAGE = 4096;

    @TempDir
    Path folder;

    private Path file;
    private List<Path> paths;
    private final Set<Integer> there = new HashSet<>(); // acknowledged
    private final Set<Integer> erased = new HashSet<>(); // acknowledged
    private final Set<Integer> underWay = new HashSet<>();
    private boolean removing;
    private int nextPerson;
    private long acknowledgedBytes;
    private String acknowledgedFile = "";

    @BeforeEach
    void makePaths() throws IOException {
        folder = folder.toRealPath();
        Path real = Files.createDirectories(folder.resolve("real"));
        file = real.resolve("people.gallery");
        Path linkedFolder = Files.createSymbolicLink(folder.resolve("linked"), real);
        Path linkedFile = Files.createSymbolicLink(folder.resolve("link.gallery"), file);
        paths = List.of(file, linkedFolder.resolve("people.gallery"), linkedFile);
    }

    @Test
    void whatWasAcknowledgedIsThereAndWhatWasErasedIsNowhere() throws Exception {
        int kills = Integer.getInteger("drill.kills", Boolean.getBoolean("tests.long") ? 200 : 6);
        Random random = new Random(Long.getLong("drill.seed", 11));
        int inWork = 0;
        int compacting = 0;
        int tailsLost = 0;
        int refused = 0;
        for (int kill = 0; kill < kills; kill++) {
            String last = live(random, kill);
            inWork += underWay.isEmpty() ? 0 : 1;
            compacting += last.startsWith("compact") ? 1 : 0;
            if (kill % 5 == 4) {
                refused++;
            }
            if (kill % 2 == 1) {
                tailsLost += loseTail(random) ? 1 : 0;
            }
            check("kill " + kill + " at " + last);
        }
        System.out.printf(
                "%d kills: %d while enrolling or removing, %d while compacting; %d with lost pages, %d second writers"
                        + " refused; %d people there, %d erased%n",
                kills, inWork, compacting, tailsLost, refused, there.size(), erased.size());
    }

    /** @return what it was at when it was killed */
    private String live(Random random, int kill) throws Exception {
        Process process = child(paths.get(random.nextInt(paths.size())), random.nextLong());
        String last = "";
        try (BufferedReader out = process.inputReader()) {
            last = take(out.readLine(), last);
            if (kill % 5 == 4) {
                assertRefused(paths.get(random.nextInt(paths.size())));
            }
            TimeUnit.MICROSECONDS.sleep(random.nextInt(150_000));
            process.toHandle().destroyForcibly(); // SIGKILL; leaves what was printed to be read
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                last = take(line, last);
            }
        }
        assertThat(process.waitFor()).as("killed").isEqualTo(128 + 9);
        return last;
    }

    private void assertRefused(Path path) throws Exception {
        Process second = child(path, 1);
        try (BufferedReader out = second.inputReader()) {
            assertThat(out.readLine()).contains("error: gallery ", "is open for writing in another process already");
        }
        assertThat(second.waitFor()).isEqualTo(1);
    }

    private Process child(Path path, long seed) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xshare:auto",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-Xmx128m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        GalleryDrillChild.class.getName(),
                        path.toString(),
                        Long.toString(seed),
                        Integer.toString(nextPerson))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private String take(String line, String last) {
        assertThat(line).isNotNull().doesNotStartWith("error");
        if (!line.endsWith(";")) {
            return last;
        }
        String[] words = line.replace(";", "").split(" ");
        if (words[0].equals("done")) {
            acknowledge(words);
        } else if (!words[0].equals("open")) {
            underWay.clear();
            int first = Integer.parseInt(words[1]);
            int count = Integer.parseInt(words[2]);
            for (int person = first; person < first + count; person++) {
                underWay.add(person);
            }
            removing = words[0].equals("remove");
            nextPerson = Math.max(nextPerson, first + count);
        }
        return words[0];
    }

    private void acknowledge(String[] words) {
        if (removing) {
            there.removeAll(underWay);
            erased.addAll(underWay);
        } else {
            there.addAll(underWay);
        }
        underWay.clear();
        acknowledgedBytes = Long.parseLong(words[1]);
        acknowledgedFile = words[2];
    }

    /**
     * Pages that the disk had not confirmed are cut off, zeroed, or left. Where a commit is, the disk has confirmed the
     * batch before it, and only the commit may be lost; of a batch of removals not even that, as what is removed may be
     * erased.
     */
    private boolean loseTail(Random random) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        LogHeader header = LogReader.header(file);
        boolean same = header.id().toString().equals(acknowledgedFile);
        if (!same || bytes.length <= acknowledgedBytes) {
            return false;
        }
        int confirmed = (int) acknowledgedBytes;
        BatchMark batch = mark(bytes, confirmed, header);
        boolean committed =
                batch != null && batch.end() <= bytes.length && mark(bytes, (int) batch.commitPlace(), header) != null;
        if (committed) {
            confirmed = (int) (batch.kind() == BatchMark.Kind.ENTRIES ? batch.commitPlace() : batch.end());
        }
        for (int from = confirmed; from < bytes.length; ) {
            int to = Math.min(bytes.length, (from / PAGE + 1) * PAGE);
            if (random.nextBoolean()) {
                Arrays.fill(bytes, from, to, (byte) 0);
            }
            from = to;
        }
        int cut = confirmed + random.nextInt(bytes.length - confirmed + 1);
        Files.write(file, random.nextInt(3) == 0 ? Arrays.copyOf(bytes, cut) : bytes);
        return true;
    }

    private static BatchMark mark(byte[] bytes, int at, LogHeader header) {
        if (at + BatchMark.BYTES > bytes.length) {
            return null;
        }
        return BatchMark.decode(
                ByteBuffer.wrap(bytes, at, BatchMark.BYTES).slice().order(ByteOrder.LITTLE_ENDIAN),
                at,
                bytes.length,
                header.id());
    }

    private void check(String when) throws IOException {
        Set<Integer> found = new HashSet<>();
        try (Gallery gallery = Gallery.open(paths.get(nextPerson % paths.size()), "model", D)) {
            for (Entry entry : gallery.entries()) {
                assertThat(found.add(Traces.person(entry))).as(when).isTrue();
                assertThat(Traces.isWhole(entry, gallery, D)).as(when).isTrue();
            }
        }
        assertThat(found.containsAll(underWay) || Collections.disjoint(found, underWay))
                .as("all of a change or nothing, %s", when)
                .isTrue();
        Set<Integer> settled = new HashSet<>(found);
        settled.removeAll(underWay);
        there.removeAll(underWay);
        assertThat(settled).as(when).isEqualTo(there);
        Set<Integer> nowhere = new HashSet<>(erased);
        nowhere.addAll(underWay);
        nowhere.removeAll(found);
        Traces.assertNowhere(folder, nowhere, D);
        try (var files = Files.list(file.getParent())) {
            assertThat(files.map(path -> path.getFileName().toString()))
                    .as(when)
                    .isSubsetOf("people.gallery", "people.gallery.hnsw");
        }
        there.clear();
        there.addAll(found);
        if (removing) {
            erased.addAll(nowhere);
        }
        underWay.clear();
        removing = false;
        acknowledgedBytes = Files.size(file); // what was under way has been read, and is acknowledged by that
        acknowledgedFile = LogReader.header(file).id().toString();
    }
}
