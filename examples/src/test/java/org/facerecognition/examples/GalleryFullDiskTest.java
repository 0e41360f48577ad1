package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.GalleryTransfer;
import org.facerecognition.gallery.SearchMethod;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Commands that enroll in batches when a later batch cannot be written: a shell limits the size of their files. */
class GalleryFullDiskTest {
    private static final int DIMENSION = 256;

    @TempDir
    private static Path models;

    private static Path model;

    @TempDir
    Path folder;

    private Path file;

    @BeforeAll
    static void makeModel() {
        model = models.resolve("model");
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(DIMENSION)
                .imageSizePx(32)
                .classes(2)
                .build())) {
            recognizer.save(model);
        }
    }

    @BeforeEach
    void nameTheGallery() {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs a shell that can limit the size of files");
        file = folder.resolve("people.gallery");
    }

    /** Runs a command in a process whose files cannot grow beyond a size. */
    static Cli.Result limited(long kib, Object... words) throws Exception {
        List<String> command =
                new ArrayList<>(List.of("/bin/bash", "-c", "ulimit -f " + kib + "; exec \"$@\"", "bash"));
        List<String> java = Cli.command(words);
        java.add(1, "-XX:-UsePerfData");
        command.addAll(java);
        Path err = Files.createTempFile("err", ".txt");
        try {
            Process process = Cli.limit(
                    new ProcessBuilder(command).redirectError(err.toFile()).start(), 120);
            String out = new String(process.getInputStream().readAllBytes());
            return new Cli.Result(process.waitFor(), out, Files.readString(err));
        } finally {
            Files.delete(err);
        }
    }

    private static void requireFull(Cli.Result result, int entries) {
        assertThat(result.code()).as(result.err()).isEqualTo(Main.FAILED);
        assertThat(result.err())
                .contains("entries of this change were not enrolled; free some space")
                .doesNotContain("nothing was enrolled");
        assertThat(result.json().get("entries").asInt()).isEqualTo(entries);
    }

    private static int size(Path gallery) {
        GalleryInfo info = Gallery.info(gallery);
        try (Gallery open = Gallery.openReadOnly(gallery, info.fingerprint(), info.dimension(), SearchMethod.EXACT)) {
            return open.size();
        }
    }

    @Test
    void enrollSaysWhatItEnrolledAndContinues() throws Exception {
        Path photos = Cli.faces(folder.resolve("photos"), 3, 24);
        Object[] words = {"gallery", "enroll", "--gallery", file, "--model", model, "--folder", photos, "--json"};
        Cli.Result full = limited(60, words); // a batch of 32 takes less than this, and two take more
        requireFull(full, 32);
        assertThat(full.err())
                .contains("enrolled 32, already there 0, left out 0; " + file
                        + " has 32; run this again to enroll the others");
        assertThat(full.json().get("enrolled").asInt()).isEqualTo(32);

        Cli.Result rest = Cli.run(words);
        assertThat(rest.code()).as(rest.err()).isZero();
        assertThat(rest.json().get("enrolled").asInt()).isEqualTo(40);
        assertThat(rest.json().get("already_there").asInt()).isEqualTo(32);
    }

    @Test
    void copyAndImportSayWhatTheyAddedAndContinue() throws Exception {
        Path source = folder.resolve("source.gallery");
        try (Gallery people = Gallery.open(source, "model", 4)) {
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < 2_500; i++) {
                all.add(new Enrollment("someone", new float[] {1, i, 2, 3}, "note " + i));
            }
            people.enroll(all);
        }
        Path export = folder.resolve("export");
        try (Gallery people = Gallery.openReadOnly(source, "model", 4, SearchMethod.EXACT)) {
            GalleryTransfer.exportTo(people, export, done -> {});
        }
        Path imported = folder.resolve("imported.gallery");
        continues("copying", file, "gallery", "copy", "--from", source, "--to", file, "--json");
        continues("importing", imported, "gallery", "import", "--from", export, "--gallery", imported, "--json");
    }

    private void continues(String doing, Path to, Object... words) throws Exception {
        Cli.Result full = limited(90, words); // a batch of 1,000 takes less than this, and two take more
        requireFull(full, 1_000);
        assertThat(full.err())
                .contains(doing + ": added 1000 entries, already there 0; " + to
                        + " has 1000; run this again to continue");
        assertThat(full.json().get("added").asInt()).isEqualTo(1_000);
        Cli.Result rest = Cli.run(words);
        assertThat(rest.code()).as(rest.err()).isZero();
        assertThat(size(to)).isEqualTo(2_500);
    }

    @Test
    @EnabledIfSystemProperty(
            named = "tests.long",
            matches = "true",
            disabledReason = "takes 10 s; the other commands count in the same way; run it with -Dtests.long=true")
    void reembedSaysWhatItEnrolled() throws Exception {
        Path photos = Cli.faces(folder.resolve("photos"), 26, 10);
        Cli.Result enrolled = Cli.run("gallery", "enroll", "--gallery", file, "--model", model, "--folder", photos);
        assertThat(enrolled.code()).as(enrolled.err()).isZero();
        Path to = folder.resolve("to.gallery");
        Object[] words = {"gallery", "reembed", "--gallery", file, "--to", to, "--model", model, "--json"};
        Cli.Result full = limited(Files.size(file) / 1024 - 2, words); // the last batch has 4 entries of 1 KiB
        requireFull(full, 256);
        assertThat(full.err())
                .contains("enrolled 256, already there 0, left out 0; " + to + " has 256; run this again");
    }
}
