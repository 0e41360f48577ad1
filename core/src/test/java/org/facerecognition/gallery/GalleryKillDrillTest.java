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
 * Kills processes while they enroll, remove, erase and compact through several paths to one file. After every second
 * kill, pages behind the acknowledged part of the file are cut off or zeroed, as in a power failure. Each build
 * performs 6 kills, or 200 with {@code -Dtests.long=true}, or N with {@code -Ddrill.kills=N}.
 */
@DisabledOnOs(OS.WINDOWS)
class GalleryKillDrillTest {
    private static final int D = GalleryDrillChild.DIMENSION;
    private static final int PAGE = 4096;

    @TempDir
    Path folder;

    private Path file;
    private List<Path> paths;
    private final Set<Integer> enrolled = new HashSet<>(); // acknowledged
    private final Set<Integer> erased = new HashSet<>(); // acknowledged
    private final Set<Integer> pending = new HashSet<>();
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
    void keepsAcknowledgedAndErasesRemovedPeople() throws Exception {
        int kills = Integer.getInteger("drill.kills", Boolean.getBoolean("tests.long") ? 200 : 6);
        Random random = new Random(Long.getLong("drill.seed", 11));
        int changing = 0;
        int compacting = 0;
        int tailsLost = 0;
        int rejected = 0;
        for (int kill = 0; kill < kills || changing == 0 && kill < 10 * kills; kill++) {
            String last = runAndKill(random, kill);
            changing += pending.isEmpty() ? 0 : 1;
            compacting += last.startsWith("compact") ? 1 : 0;
            if (kill % 5 == 4) {
                rejected++;
            }
            if (kill % 2 == 1) {
                tailsLost += loseTail(random) ? 1 : 0;
            }
            check("kill " + kill + " at " + last);
        }
        System.out.printf(
                "%d kills: %d while enrolling or removing, %d while compacting; %d with lost pages;"
                        + " %d second writers rejected; %d people enrolled, %d erased%n",
                kills, changing, compacting, tailsLost, rejected, enrolled.size(), erased.size());
        assertThat(changing).as("kills while enrolling or removing").isPositive();
        if (kills >= 200) {
            assertThat(compacting).as("kills while compacting").isPositive();
            assertThat(tailsLost).as("kills after which pages were lost").isPositive();
        }
    }

    /** Returns the change that was pending when the process was killed. */
    private String runAndKill(Random random, int kill) throws Exception {
        Process process = child(paths.get(random.nextInt(paths.size())), random.nextLong());
        String last = "";
        try (BufferedReader out = process.inputReader()) {
            last = parse(out.readLine(), last);
            if (kill % 5 == 4) {
                assertRejected(paths.get(random.nextInt(paths.size())));
            }
            TimeUnit.MICROSECONDS.sleep(random.nextInt(150_000));
            process.toHandle().destroyForcibly(); // SIGKILL; the printed lines can still be read
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                last = parse(line, last);
            }
        }
        assertThat(process.waitFor()).as("killed").isEqualTo(128 + 9);
        return last;
    }

    private void assertRejected(Path path) throws Exception {
        Process second = child(path, 1);
        try (BufferedReader out = second.inputReader()) {
            assertThat(out.readLine()).contains("error: gallery ", "is already open for writing in another process");
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

    private String parse(String line, String last) {
        assertThat(line).isNotNull().doesNotStartWith("error");
        if (!line.endsWith(";")) {
            return last;
        }
        String[] words = line.replace(";", "").split(" ");
        if (words[0].equals("done")) {
            acknowledge(words);
        } else if (!words[0].equals("open")) {
            pending.clear();
            int first = Integer.parseInt(words[1]);
            int count = Integer.parseInt(words[2]);
            for (int person = first; person < first + count; person++) {
                pending.add(person);
            }
            removing = words[0].equals("remove");
            nextPerson = Math.max(nextPerson, first + count);
        }
        return words[0];
    }

    private void acknowledge(String[] words) {
        if (removing) {
            enrolled.removeAll(pending);
            erased.addAll(pending);
        } else {
            enrolled.addAll(pending);
        }
        pending.clear();
        acknowledgedBytes = Long.parseLong(words[1]);
        acknowledgedFile = words[2];
    }

    /**
     * Cuts off, zeroes or keeps pages that the disk need not have confirmed. If there is a commit, the disk has
     * confirmed the batch before it, and only the commit may be lost; in a batch of removals not even the commit,
     * because the entries may have been erased already. Returns whether there were such pages.
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
                batch != null && batch.end() <= bytes.length && mark(bytes, (int) batch.commitOffset(), header) != null;
        if (committed) {
            confirmed = (int) (batch.kind() == BatchMark.Kind.ENTRIES ? batch.commitOffset() : batch.end());
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
        SearchMethod method = SearchMethod.values()[nextPerson % SearchMethod.values().length];
        try (Gallery gallery = Gallery.open(paths.get(nextPerson % paths.size()), "model", D, method)) {
            for (Entry entry : gallery.entries()) {
                assertThat(found.add(Traces.person(entry))).as(when).isTrue();
                assertThat(Traces.isIntact(entry, gallery, D)).as(when).isTrue();
            }
        }
        assertThat(found.containsAll(pending) || Collections.disjoint(found, pending))
                .as("all of a change or nothing of it, %s", when)
                .isTrue();
        Set<Integer> certain = new HashSet<>(found);
        certain.removeAll(pending);
        enrolled.removeAll(pending);
        assertThat(certain).as(when).isEqualTo(enrolled);
        Set<Integer> absent = new HashSet<>(erased);
        absent.addAll(pending);
        absent.removeAll(found);
        Traces.assertErased(folder, absent, D);
        try (var files = Files.list(file.getParent())) {
            assertThat(files.map(path -> path.getFileName().toString()))
                    .as(when)
                    .isSubsetOf("people.gallery", "people.gallery.hnsw", "people.gallery.index");
        }
        enrolled.clear();
        enrolled.addAll(found);
        if (removing) {
            erased.addAll(absent);
        }
        pending.clear();
        removing = false;
        acknowledgedBytes = Files.size(file); // reading the pending change has acknowledged it
        acknowledgedFile = LogReader.header(file).id().toString();
    }
}
