package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packs of several files. */
class ShardedPackTest {
    private static final String NAME = "\"quoted\" ÄÖÜ 世界 \\ " + "long ".repeat(400);

    @TempDir
    private Path folder;

    private FaceDataset train;
    private FaceDataset validation;

    /** An image whose encoded bytes are its number. */
    private record Numbered(int number) implements ImageSource {
        @Override
        public String name() {
            return number % 3 == 0 ? NAME + number : "image " + number;
        }

        @Override
        public Mat read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public byte[] encoded() {
            return new byte[] {(byte) number, 1, 2};
        }
    }

    @BeforeEach
    void make() {
        train = part(0, 7, Split.TRAIN);
        validation = part(7, 9, Split.VAL);
    }

    private static FaceDataset part(int from, int to, Split split) {
        List<LabeledImage> images = IntStream.range(from, to)
                .mapToObj(i -> new LabeledImage(new Numbered(i), i % 2))
                .toList();
        return FaceDataset.of(images, List.of("Ann", "Bob"), split, Crop.WHOLE);
    }

    private List<Path> write(int shards) {
        List<Integer> progress = new ArrayList<>();
        List<Path> files =
                PackedFaces.write(folder.resolve("faces.pack"), List.of(train, validation), 0, shards, progress::add);
        assertThat(progress).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9);
        return files;
    }

    private static List<String> texts(FaceDataset faces) {
        return faces.images().stream()
                .map(image -> image.label() + " " + image.image().name() + " "
                        + image.image().encoded()[0] + " " + image.image().contentChecksum() + " "
                        + image.image().contentBytes())
                .toList();
    }

    /** One, several, and more files than there are images of a part. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 9})
    void anyOfTheFilesOpensAllImagesInTheirOrder(int shards) {
        List<Path> files = write(shards);
        assertThat(files).hasSize(shards);
        for (Path file : files) {
            for (FaceDataset part : List.of(train, validation)) {
                FaceDataset packed = FaceDataset.packed(file, part.split());
                assertThat(packed.fingerprint()).isEqualTo(part.fingerprint());
                assertThat(packed.identities()).isEqualTo(part.identities());
                assertThat(texts(packed).stream().map(text -> text.replaceAll(" \\d+ \\d+$", "")))
                        .isEqualTo(texts(part).stream()
                                .map(text -> text.replaceAll(" \\d+ \\d+$", ""))
                                .toList());
            }
        }
        if (shards > 1) {
            assertThat(files.get(0).getFileName()).hasToString("faces-1-of-" + shards + ".pack");
            assertThat(texts(FaceDataset.packed(files.get(0), Split.TRAIN)))
                    .isEqualTo(texts(FaceDataset.packed(write(1).get(0), Split.TRAIN)));
        }
    }

    /** Ctrl-C left a hidden file of any size until somebody packed under the same name again. */
    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void deletesWhatIsNotFinishedWhenTheProcessEnds(int images) throws IOException {
        Path out = folder.resolve("unfinished.pack");
        IntConsumer interrupted = done -> {
            if (done == images) {
                assertThat(hidden()).hasSize(images == 1 ? 1 : 2);
                PackedFaces.deleteUnfinished(out, 2);
                assertThat(hidden()).isEmpty();
                throw new IllegalStateException("the process ends");
            }
        };
        assertThatThrownBy(() -> PackedFaces.write(out, List.of(train), 0, 2, interrupted))
                .hasMessage("the process ends");
        assertThat(folder).isEmptyDirectory();
    }

    private List<Path> hidden() {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().startsWith("."))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void anInterruptIsNotTheFilesFault() {
        Path file = write(1).get(0);
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() -> FaceDataset.packed(file, Split.TRAIN))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the thread was interrupted while it opened " + file);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    /** The first files were replaced while the others were still written, so that no pack was left. */
    @Test
    void anInterruptedRunLeavesThePackBefore() throws IOException {
        List<Path> files = write(3);
        List<String> before = texts(FaceDataset.packed(files.get(0), Split.TRAIN));
        assertThatThrownBy(() ->
                        PackedFaces.write(folder.resolve("faces.pack"), List.of(train, validation), 0, 3, n -> {
                            if (n == 7) {
                                throw new IllegalStateException("interrupted");
                            }
                        }))
                .hasMessage("interrupted");
        assertThat(hidden()).isEmpty();
        assertThat(texts(FaceDataset.packed(files.get(0), Split.TRAIN))).isEqualTo(before);
    }

    @Test
    void filesOfSeveralRunsAreNotMixed() throws IOException {
        List<Path> files = write(3);
        byte[] left = Files.readAllBytes(files.get(1));
        write(3);
        Files.write(files.get(1), left);
        assertThatThrownBy(() -> FaceDataset.packed(files.get(0), Split.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessage(
                        "packs " + files.get(0) + " and " + files.get(1) + " must have been written together, but one"
                                + " of them is left from an earlier run of the pack command; pack them again");
        assertThat(FaceDataset.packed(write(3).get(0), Split.TRAIN).images()).hasSize(7);
    }

    @Test
    void saysThatSomeFilesAreReplacedWhenOthersCannotBe() throws IOException {
        List<Path> files = write(3);
        IntConsumer obstacle = done -> {
            if (done == 9) {
                replaceByFolder(files.get(1));
            }
        };
        assertThatThrownBy(() ->
                        PackedFaces.write(folder.resolve("faces.pack"), List.of(train, validation), 0, 3, obstacle))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("cannot write the files of pack " + folder.resolve("faces.pack") + ": ")
                .hasMessageContaining(files.get(1).getFileName() + " cannot be replaced: ")
                .hasMessageEndingWith(
                        "; 1 of 3 files are new already, the others are not; remove the obstacle and pack" + " again");
        assertThat(hidden()).isEmpty();
        Path blocked = folder.resolve("other-1-of-2.pack");
        replaceByFolder(blocked);
        assertThatThrownBy(() -> PackedFaces.write(folder.resolve("other.pack"), List.of(train), 0, 2, done -> {}))
                .isInstanceOf(DataException.class)
                .hasMessageStartingWith("cannot write " + blocked + ": it is not a regular file");
    }

    private static void replaceByFolder(Path file) {
        try {
            Files.deleteIfExists(file);
            Files.createDirectories(file.resolve("inside"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Each list was within the one before, and an image of the first needed a call for each. */
    @Test
    void aPackOfManyFilesNeedsNoDeepStack() {
        List<List<LabeledImage>> lists = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            int number = i;
            lists.add(new ImageList(i % 3, place -> new LabeledImage(new Numbered(number), place)));
        }
        List<LabeledImage> images = ImageList.join(lists);
        assertThat(images)
                .hasSize(19_999)
                .isEqualTo(lists.stream().flatMap(List::stream).toList());
        assertThat(ImageList.join(List.of())).isEmpty();
    }

    /** Images in folders, which have names of their own, were replaced by files of several. */
    @Test
    void areNotWrittenOverTheImages() throws IOException {
        Path people = folder.resolve("people");
        TestImages.write(people.resolve("Ann/face-1-of-2.png"), 8, 8, 1);
        TestImages.write(people.resolve("Ann/other.png"), 8, 8, 2);
        FaceDataset faces = FaceDataset.folders(people, Split.TRAIN, 0, 0, 0);
        byte[] before = Files.readAllBytes(people.resolve("Ann/face-1-of-2.png"));
        for (FaceDataset data : List.of(faces, faces.cropped(FaceCropper.withoutDetector(Crop.WHOLE, 8)))) {
            assertThatThrownBy(() -> PackedFaces.write(people.resolve("Ann/face.png"), List.of(data), 0, 2, done -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must be written to other files than those that the images come from");
        }
        assertThat(people.resolve("Ann/face-1-of-2.png")).hasBinaryContent(before);
        assertThat(PackedFaces.write(folder.resolve("face.png"), List.of(faces), 0, 2, done -> {}))
                .hasSize(2);
    }

    @Test
    void filesThatDoNotBelongTogetherAreNamed() throws IOException {
        List<Path> files = write(3);
        Path first = files.get(0);
        Files.move(files.get(1), folder.resolve("elsewhere"));
        assertThatThrownBy(() -> FaceDataset.packed(first, Split.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessage("pack " + first + " is shard 1 of 3, but " + files.get(1)
                        + " does not exist; copy all shards into one folder");
        Files.copy(files.get(2), files.get(1));
        assertThatThrownBy(() -> FaceDataset.packed(first, Split.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessage("packs " + first + " and " + files.get(1)
                        + " must be shards of one pack, but are not; pack them again");
        Path renamed = folder.resolve("renamed.pack");
        Files.move(first, renamed, StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> FaceDataset.packed(renamed, Split.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessage("pack " + renamed + " is shard 1 of 3, but its file was renamed; name it NAME-1-of-3.pack"
                        + " like the others");
        assertThatThrownBy(() -> PackedFaces.write(folder.resolve("x"), List.of(train), 0, 0, done -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("shards must be at least 1, but was 0");
        assertThatThrownBy(() -> PackedFaces.write(folder.resolve("x"), List.of(train, validation), 0, 10, done -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("shards must be at most 9, the number of images, but was 10");
    }

    /** A pack with an index of more than 1 GiB used to be written for hours, and could not be opened then. */
    @Test
    void anIndexThatNoReaderCouldOpenIsRejectedBeforeTheFirstImage() {
        List<Integer> progress = new ArrayList<>();
        assertThatThrownBy(() -> PackedFaces.write(
                        folder.resolve("faces.pack"), List.of(train, validation), 0, 2, 2_500, progress::add))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("the index of a pack must have at most 0 MiB")
                .hasMessageEndingWith("divide it into at least 3 files with --shards");
        assertThat(progress).isEmpty();
        assertThat(folder).isEmptyDirectory();
        assertThat(PackedFaces.write(
                        folder.resolve("faces.pack"), List.of(train, validation), 0, 4, 8192, progress::add))
                .hasSize(4);
    }

    /** Characters of other scripts have several bytes. */
    @Test
    void anIndexThatGrowsTooLargeEndsThePack() {
        FaceDataset wide = FaceDataset.of(
                List.of(new LabeledImage(new Wide(), 0), new LabeledImage(new Wide(), 1)),
                List.of("Ann", "Bob"),
                Split.TRAIN,
                Crop.WHOLE);
        assertThatThrownBy(
                        () -> PackedFaces.write(folder.resolve("faces.pack"), List.of(wide), 0, 1, 2_500, done -> {}))
                .isInstanceOf(DataException.class)
                .hasMessageEndingWith("divide it into at least 2 files with --shards");
        assertThat(folder).isEmptyDirectory();
    }

    private record Wide() implements ImageSource {
        @Override
        public String name() {
            return "\u4e16".repeat(1_000);
        }

        @Override
        public Mat read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public byte[] encoded() {
            return new byte[] {1};
        }
    }
}
