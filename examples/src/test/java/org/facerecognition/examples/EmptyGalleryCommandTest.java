package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.GalleryTransfer;
import org.facerecognition.gallery.SearchMethod;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that used to leave an empty gallery, which then refused every other model. */
class EmptyGalleryCommandTest {
    @TempDir
    private static Path models;

    private static Path model;
    private static Path other;

    @TempDir
    Path folder;

    private Path file;
    private Path photos;

    @BeforeAll
    static void makeModels() {
        model = save(16);
        other = save(8);
    }

    private static Path save(int embeddingSize) {
        Path path = models.resolve("model" + embeddingSize);
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(embeddingSize)
                .imageSizePx(32)
                .classes(2)
                .build())) {
            recognizer.save(path);
        }
        return path;
    }

    @BeforeEach
    void makePhotos() {
        file = folder.resolve("people.gallery");
        photos = Cli.faces(folder.resolve("photos"), 1, 1);
    }

    private Cli.Result enroll(Path by, Object... more) {
        Object[] words = {"gallery", "enroll", "--gallery", file, "--model", by};
        List<Object> all = new ArrayList<>(List.of(words));
        all.addAll(List.of(more));
        return Cli.run(all.toArray());
    }

    @Test
    void afterTheLastPersonIsRemovedAnotherModelCanEnroll() {
        assertThat(enroll(model, "--folder", photos).code()).isZero();
        assertThat(enroll(other, "--folder", photos).err()).contains("holds embeddings of the model");
        assertThat(Cli.run("gallery", "remove", "person0", "--gallery", file).code())
                .isZero();
        Cli.Result enrolled = enroll(other, "--no-flip", "--folder", photos);
        assertThat(enrolled.code()).as(enrolled.err()).isZero();
        assertThat(Gallery.info(file).dimension()).isEqualTo(8);
    }

    @Test
    void aFailedEnrollmentLeavesNoGallery() throws IOException {
        Path text = Files.writeString(folder.resolve("text.png"), "no image");
        assertThat(enroll(model, "Ann", text).code()).isEqualTo(Main.FAILED);
        assertThat(folder.toFile().list()).containsExactlyInAnyOrder("photos", "text.png");
        Cli.Result enrolled = enroll(other, "--folder", photos);
        assertThat(enrolled.code()).as(enrolled.err()).isZero();
        assertThat(enroll(other, "Ann", text).code()).isEqualTo(Main.FAILED);
        assertThat(file).as("it has entries").exists();
    }

    @Test
    void aRefusedImportLeavesNoGallery() throws IOException {
        assertThat(enroll(model, "--folder", photos).code()).isZero();
        GalleryInfo info = Gallery.info(file);
        Path export = folder.resolve("export");
        try (Gallery people = Gallery.openReadOnly(file, info.fingerprint(), info.dimension(), SearchMethod.EXACT)) {
            GalleryTransfer.exportTo(people, export, done -> {});
        }
        Path entries = export.resolve("entries.csv");
        Files.writeString(entries, Files.readString(entries).replace("person0", "person1"));
        Path to = folder.resolve("to.gallery");
        Cli.Result refused = Cli.run("gallery", "import", "--gallery", to, "--from", export);
        assertThat(refused.code()).isEqualTo(Main.FAILED);
        assertThat(refused.err()).contains("its checksum differs");
        assertThat(to).doesNotExist();
    }

    @Test
    void aRunThatReembedsNothingLeavesNoGallery() throws IOException {
        assertThat(enroll(model, "--folder", photos).code()).isZero();
        Files.delete(photos.resolve("person0/0.png"));
        Path to = folder.resolve("to.gallery");
        Cli.Result nothing = Cli.run("gallery", "reembed", "--gallery", file, "--to", to, "--model", other);
        assertThat(nothing.code()).isEqualTo(Main.FAILED);
        assertThat(to).doesNotExist();
    }

    @Test
    void aCopyOfAnEmptyGalleryIsAnEmptyGallery() {
        assertThat(enroll(model, "--folder", photos).code()).isZero();
        assertThat(Cli.run("gallery", "remove", "person0", "--gallery", file).code())
                .isZero();
        Path to = folder.resolve("to.gallery");
        assertThat(Cli.run("gallery", "copy", "--from", file, "--to", to).code())
                .isZero();
        assertThat(Gallery.info(to)).isEqualTo(Gallery.info(file));
    }
}
