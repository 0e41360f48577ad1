package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.facerecognition.gallery.GalleryTransfer.AttributesPolicy;
import org.facerecognition.gallery.GalleryTransfer.Result;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Kills processes while they import, and repeats the import until it ends: every entry is there once, in order. */
@DisabledOnOs(OS.WINDOWS)
class TransferKillDrillTest {
    private static final int D = 32;
    private static final int KILLS = 3;

    @TempDir
    Path folder;

    private final Random random = new Random(5);

    private Path export(int entries) {
        Path export = folder.resolve("export");
        try (Gallery from = Gallery.inMemory("model", D)) {
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < entries; i++) {
                all.add(new Enrollment("p" + i / 7, TestFaces.direction(i, D), "note " + i, "key " + i % 1_000));
            }
            from.enroll(all);
            GalleryTransfer.exportTo(from, export, done -> {});
        }
        return export;
    }

    /** Returns how many entries the killed process had reported; -1 if it ended before. */
    private long importAndKill(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                TransferChild.class.getName()));
        command.addAll(Arrays.asList(arguments));
        Process child = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out = child.inputReader()) {
            int lines = 2 + random.nextInt(10); // the first is 0, while rows are checked
            String last = "0";
            for (int i = 0; i < lines && last != null; i++) {
                last = out.readLine();
            }
            Thread.sleep(random.nextInt(20));
            child.destroyForcibly().waitFor();
            return last == null ? -1 : Long.parseLong(last);
        }
    }

    private void requireAll(Gallery to, Path export, int entries, long reported) {
        int before = to.size();
        assertThat((long) before).as("what was reported is there").isGreaterThanOrEqualTo(reported);
        assertThat(before % GalleryTransfer.PAGE).as("whole batches").isZero();
        assertThat(GalleryTransfer.importFrom(export, to, AttributesPolicy.KEEP, done -> {}))
                .isEqualTo(new Result(entries - before, before));
        long last = 0;
        int i = 0;
        for (List<StoredEntry> page = to.page(0, 5_000); !page.isEmpty(); page = to.page(last, 5_000)) {
            for (StoredEntry one : page) {
                assertThat(one.entry().note()).isEqualTo("note " + i++);
            }
            last = page.get(page.size() - 1).entry().id();
        }
        assertThat(i).isEqualTo(entries);
    }

    @Test
    void intoAFile() throws Exception {
        Path export = export(40_000);
        Path file = folder.resolve("people.gallery");
        long reported = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            reported = Math.max(reported, importAndKill(export.toString(), file.toString()));
        }
        assertThat(reported).isPositive();
        try (Gallery to = Gallery.open(file, "model", D)) {
            requireAll(to, export, 40_000, reported);
        }
    }

    @Test
    void intoADatabase() throws Exception {
        TestDatabase database = TestDatabase.get();
        Path export = export(12_000);
        String name = TestDatabase.newName();
        long reported = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            reported = Math.max(reported, importAndKill(export.toString(), database.url(), name));
        }
        assertThat(reported).isPositive();
        try (Gallery to = Gallery.connect(database.dataSource(), name, "model", D, SearchMethod.EXACT)) {
            requireAll(to, export, 12_000, reported);
        }
    }
}
