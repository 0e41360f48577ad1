package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.augment.RandomInvert;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Realistic folders: with few images of some people, and with files that systems and programs create. */
class MessyFoldersTest {
    @TempDir
    Path root;

    private void person(String name, int images) throws IOException {
        for (int i = 0; i < images; i++) {
            file(name + "/" + i + ".jpg");
        }
    }

    /** Creates a file that is not an image: folders are listed without opening images. */
    private Path file(String name) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, name);
    }

    private static List<String> names(FaceDataset data) {
        return IntStream.range(0, data.size())
                .mapToObj(i -> data.sample(i).image().name())
                .toList();
    }

    private FaceDataset part(Split split, SplitSettings settings) {
        return FaceDataset.folders(root, split, settings);
    }

    /** On a file system that tells cases and Unicode forms apart; elsewhere they are one folder. */
    @Test
    void twoSpellingsOfANameAreNamed() throws IOException {
        person("Zo\u00eb", 3);
        person("Zoe\u0308", 3);
        person("Zo\u00cb ", 3);
        person("Zoe", 3);
        person("7", 3);
        FaceDataset train = FaceDataset.folders(root, Split.TRAIN);
        assumeThat(train.classes()).as("folders").isEqualTo(5);
        assertThat(train.notes())
                .containsExactly(
                        "\"Zoe\u0308\" and \"Zo\u00cb \", and 1 other name, differ only in case, spaces or Unicode"
                                + " form, but count as different people; if they are one person, put the images"
                                + " into one folder");
    }

    @Nested
    class FewImages {
        /** Case D1, a regression: one such person made the whole folder unusable. */
        @Test
        void onlyImageOfAPersonIsForTraining() throws IOException {
            person("a", 5);
            person("b", 5);
            person("lonely", 1);
            FaceDataset train = FaceDataset.folders(root, Split.TRAIN);
            FaceDataset val = FaceDataset.folders(root, Split.VAL);
            assertThat(names(train)).hasSize(9).contains("lonely/0.jpg");
            assertThat(names(val)).hasSize(2).doesNotContain("lonely/0.jpg");
            assertThat(val.identities()).isEqualTo(train.identities()).containsExactly("a", "b", "lonely");
            assertThat(train.notes()).containsExactly("1 person has one image, which is in training");
        }

        @Test
        void trainingComesFirstThenValidationThenTheTest() throws IOException {
            person("one", 1);
            person("two", 2);
            person("three", 3);
            SplitSettings settings = new SplitSettings(0.3, 0.3, 1, 0);
            assertThat(counts(part(Split.TRAIN, settings))).containsExactly(1, 1, 1); // one, three, two
            assertThat(counts(part(Split.VAL, settings))).containsExactly(0, 1, 1);
            assertThat(counts(part(Split.TEST, settings))).containsExactly(0, 1, 0);
            assertThat(part(Split.TEST, settings).notes())
                    .containsExactly("1 person has one image, which is in training;"
                            + " 1 person has two images, which are in training and validation");
            assertThat(counts(part(Split.TEST, settings.withValFraction(0)))).containsExactly(0, 1, 1);
        }

        @Test
        void everyImageIsInExactlyOnePart() throws IOException {
            person("p", 7);
            for (double val : new double[] {0, 0.01, 0.2, 0.5, 0.9, 0.98}) {
                for (double test : new double[] {0, 0.01, 0.4}) {
                    for (int images = 1; val + test < 1 && images <= 7; images++) {
                        SplitSettings settings = new SplitSettings(val, test, 1, 3);
                        List<Integer> all = IntStream.range(0, images).boxed().toList();
                        List<Integer> train = settings.part(all, 1, Split.TRAIN);
                        List<Integer> parts = new ArrayList<>(train);
                        parts.addAll(settings.part(all, 1, Split.VAL));
                        parts.addAll(settings.part(all, 1, Split.TEST));
                        assertThat(parts).as("%s of %d", settings, images).containsExactlyInAnyOrderElementsOf(all);
                        assertThat(train).isNotEmpty();
                    }
                }
            }
        }

        /** The expected parts were recorded with a version that still rejected people with few images. */
        @Test
        void splitsOfEarlierVersionsAreUnchanged() throws IOException {
            person("person0", 5);
            person("person1", 7);
            SplitSettings settings = new SplitSettings(0.2, 0.1, 1, 5);
            assertThat(names(part(Split.VAL, settings))).containsExactly(VAL);
            assertThat(names(part(Split.TEST, settings))).containsExactly(TEST);
        }

        private static final String[] VAL = {"person0/2.jpg", "person1/0.jpg"};
        private static final String[] TEST = {"person0/4.jpg", "person1/4.jpg"};

        private int[] counts(FaceDataset data) {
            int[] counts = new int[data.classes()];
            for (int i = 0; i < data.size(); i++) {
                counts[data.sample(i).label()]++;
            }
            return counts;
        }

        @Test
        void minImagesCountsAllPartsTogether() throws IOException {
            person("a", 5);
            person("b", 4);
            person("c", 1);
            SplitSettings settings = SplitSettings.DEFAULT.withMinImages(5); // 4 of them are for training
            for (Split split : List.of(Split.TRAIN, Split.VAL)) {
                FaceDataset part = part(split, settings);
                assertThat(part.identities()).containsExactly("a");
                assertThat(part.notes()).containsExactly("left out: 2 people with fewer than 5 images");
            }
            assertThatThrownBy(() -> part(Split.TRAIN, settings.withMinImages(6)))
                    .isInstanceOf(DataException.class)
                    .hasMessage(
                            "data folder " + root + " must have people with at least 6 images, but the most that one"
                                    + " has is 5; ask for fewer images of each");
            assertThatThrownBy(() -> settings.withMinImages(-1)).hasMessage("minImages must be at least 0, but was -1");
        }

        @Test
        void emptyPartNamesTheReason() throws IOException {
            person("a", 1);
            person("b", 1);
            assertThatThrownBy(() -> FaceDataset.folders(root, Split.VAL))
                    .hasMessage("data folder " + root + " must have images of split VAL, but no person has enough:"
                            + " images are for training first, then for validation, then for the test; add images or"
                            + " set the fraction to 0");
            assertThatThrownBy(() -> FaceDataset.folders(root, Split.VAL, 0, 0, 0))
                    .hasMessage("data folder " + root + " must have images of split VAL, but its fraction is 0");
        }

        @Test
        void recordIoIsSplitTheSameWay() {
            Path set = ImageFormatsTest.resource("recordio"); // 3 people with 4 images
            SplitSettings settings = new SplitSettings(0.5, 0.5 - 1e-9, 1, 0);
            assertThat(FaceDataset.recordIo(set, Split.TRAIN, settings).size()).isEqualTo(3);
            assertThatThrownBy(() -> FaceDataset.recordIo(set, Split.TRAIN, settings.withMinImages(5)))
                    .hasMessageContaining("must have people with at least 5 images, but the most that one has is 4");
        }

        /** LFW has 5,749 people, of whom 4,069 have one image. */
        @Test
        void readsAFolderLikeLfwInOnePass() throws IOException {
            String[] scripts = {"Zoë", "李明", "Иван", "محمد", "O'Neil", "नरेन्द्र"};
            for (int i = 0; i < 5_749; i++) {
                person(scripts[i % scripts.length] + "_" + i, i % 10 < 7 ? 1 : 4);
            }
            Files.writeString(root.resolve("pairs.txt"), "x");
            for (int i = 0; i < 3; i++) {
                Files.createDirectories(root.resolve("nobody" + i));
            }
            FaceDataset train = org.junit.jupiter.api.Assertions.assertTimeout(
                    Duration.ofSeconds(20), () -> FaceDataset.folders(root, Split.TRAIN));
            assertThat(train.classes()).isEqualTo(5_749);
            assertThat(train.notes())
                    .containsExactly(
                            "left out: 3 people without images; 4,025 people have one image, which is in training",
                            "passed over: 1 other file");
        }
    }

    @Nested
    class PassedOverFiles {
        /** Case D2, a regression: hidden folders counted as people and shadow files as images. */
        @Test
        void hiddenFoldersAreNotPeopleAndShadowFilesAreNotImages() throws IOException {
            person("a", 5);
            person("b", 5);
            FaceDataset clean = FaceDataset.folders(root, Split.TRAIN);
            file(".ipynb_checkpoints/0-checkpoint.jpg");
            file("__MACOSX/a/._0.jpg");
            file("@eaDir/a/SYNOFILE_THUMB_M.jpg");
            file("$RECYCLE.BIN/x.jpg");
            file("a/@eaDir/0.jpg/SYNOFILE_THUMB_M.jpg");
            file("a/._0.jpg");
            file("a/Thumbs.db");
            file(".DS_Store");
            FaceDataset train = FaceDataset.folders(root, Split.TRAIN);
            assertThat(train.identities()).containsExactly("a", "b");
            assertThat(names(train)).isEqualTo(names(clean));
            assertThat(train.fingerprint()).isEqualTo(clean.fingerprint());
            assertThat(clean.notes()).isEmpty();
            assertThat(train.notes())
                    .containsExactly("passed over: 5 hidden or system folders, 3 hidden or system files");
        }

        @Test
        void countsFilesThatTheUserMayHaveIntended() throws IOException {
            person("a", 5);
            for (String name : new String[] {"a/1.HEIC", "a/2.heic", "a/x.heif", "a/y.avif", "a/readme.txt"}) {
                file(name);
            }
            file("loose.jpg");
            for (int i = 0; i < 4; i++) {
                file("a/2019/" + i + ".jpg");
            }
            Files.createDirectories(root.resolve("nobody"));
            FaceDataset train = FaceDataset.folders(root, Split.TRAIN);
            assertThat(train.identities()).containsExactly("a");
            assertThat(train.notes())
                    .containsExactly(
                            "left out: 1 person without images",
                            "passed over: 1 AVIF image, 3 HEIC images (convert them to JPEG), 1 other file, 1 image"
                                    + " outside the folders of people, 4 images in deeper folders");
        }

        @Test
        void errorNamesTheFilesThatAreThereInstead() throws IOException {
            for (int i = 0; i < 12; i++) {
                file("a/" + i + ".heic");
            }
            assertThatThrownBy(() -> FaceDataset.folders(root, Split.TRAIN))
                    .isInstanceOf(DataException.class)
                    .hasMessage(
                            "data folder " + root + " must have images in the folders of its people, but has only 12"
                                    + " HEIC images, which cannot be read; convert them to JPEG");
            Path flat = Files.createDirectories(root.resolve("flat"));
            Files.writeString(flat.resolve("1.jpg"), "");
            Files.writeString(flat.resolve("2.jpg"), "");
            assertThatThrownBy(() -> FaceDataset.folders(flat, Split.TRAIN))
                    .hasMessage("data folder " + flat + " must have one folder of images per person, but has only 2"
                            + " images outside the folders of people");
        }

        @Test
        void recognizesTheParentOfTheIntendedFolder() throws IOException {
            file("lfw/Ann/1.jpg");
            file("lfw/Bob/1.jpg");
            assertThatThrownBy(() -> FaceDataset.folders(root, Split.TRAIN))
                    .hasMessage("data folder " + root + " must have one folder of images per person, but has only 2"
                            + " images in deeper folders; give the folder that the people's folders are in");
        }

        @Test
        void followsLinksToPeopleAndImagesButNotInACircle() throws IOException {
            Path elsewhere = Files.createDirectories(root.resolve("elsewhere/b"));
            Files.writeString(elsewhere.resolve("1.jpg"), "1");
            Files.writeString(elsewhere.resolve("2.jpg"), "2");
            Path people = Files.createDirectories(root.resolve("people"));
            Path ann = Files.createDirectories(people.resolve("ann"));
            Files.createSymbolicLink(ann.resolve("1.jpg"), elsewhere.resolve("1.jpg"));
            Files.createSymbolicLink(ann.resolve("2.jpg"), elsewhere.resolve("gone.jpg"));
            Files.createSymbolicLink(ann.resolve("up"), people);
            Files.createSymbolicLink(people.resolve("bob"), elsewhere);
            Files.createSymbolicLink(people.resolve("carl"), people.resolve("carl"));
            FaceDataset train = FaceDataset.folders(people, Split.TRAIN, 0, 0, 0);
            assertThat(names(train)).containsExactly("ann/1.jpg", "bob/1.jpg", "bob/2.jpg");
            assertThat(train.notes()).containsExactly("passed over: 2 links that lead nowhere, 1 link to a folder");
        }

        @Test
        void namesKeepTheirUnicodeForm() throws IOException {
            String composed = Normalizer.normalize("Zoë", Normalizer.Form.NFC);
            String decomposed = Normalizer.normalize("Zoë", Normalizer.Form.NFD);
            person(composed, 2);
            person(decomposed, 2);
            Set<String> expected = new TreeSet<>(List.of(composed, decomposed));
            assertThat(FaceDataset.folders(root, Split.TRAIN).identities())
                    .hasSizeBetween(1, 2) // some file systems support only one of the two
                    .isSubsetOf(expected);
        }

        @Test
        void notesSurviveOperationsOnTheDataset() throws IOException {
            person("a", 5);
            person("b", 3);
            person("c", 1);
            file("c/1.heic");
            FaceDataset train = FaceDataset.folders(root, Split.TRAIN);
            FaceDataset val = FaceDataset.folders(root, Split.VAL);
            assertThat(train.notes()).hasSize(2);
            assertThat(List.of(
                            train.withAugmentations(List.of(new RandomInvert(1))),
                            train.withCrop(Crop.CELEBA_CROP),
                            train.withAtLeast(2),
                            train.withAtMost(1),
                            train.withIdentities(List.of("a")),
                            train.with(val),
                            train.byIdentity(0.3, 0).seen()))
                    .extracting(FaceDataset::notes)
                    .containsOnly(train.notes());
            assertThatThrownBy(() -> train.notes().add("x")).isInstanceOf(UnsupportedOperationException.class);
        }

        @Test
        void distractorsContainOnlyImages() throws IOException {
            file("celebA_query/1.jpg");
            file("celebA_distractors/1.jpg");
            file("celebA_distractors/._1.jpg");
            file("celebA_distractors/Thumbs.db");
            Files.writeString(root.resolve("celebA_anno_query.csv"), "image,identity\n1.jpg,0\n");
            OpenSetFaces faces = OpenSetFaces.celebaIr(root, Crop.WHOLE);
            assertThat(names(faces.distractors())).containsExactly("1.jpg");
            assertThat(faces.distractors().notes()).containsExactly("passed over: 2 hidden or system files");
        }
    }

    @Nested
    class Content {
        private FaceDataset data() {
            return FaceDataset.folders(root, Split.TRAIN, 0, 0, 0);
        }

        /** Regression: it went unnoticed that an image was replaced under the same name. */
        @Test
        void detectsAnImageThatWasReplacedUnderTheSameName() throws IOException {
            person("a", 3);
            String names = data().fingerprint();
            String content = data().contentFingerprint();
            assertThat(content).matches("[0-9a-f]{16}");
            assertThat(data().contentFingerprint()).isEqualTo(content);
            byte[] bytes = Files.readAllBytes(root.resolve("a/1.jpg"));
            bytes[0]++;
            Files.write(root.resolve("a/1.jpg"), bytes);
            String sameSize = data().contentFingerprint();
            assertThat(sameSize).isNotEqualTo(content);
            FaceDataset listed = data();
            Files.delete(root.resolve("a/1.jpg"));
            String gone = listed.contentFingerprint();
            assertThat(Set.of(content, sameSize, gone)).hasSize(3);
            assertThat(listed.fingerprint()).isEqualTo(names);
        }

        @Test
        void largeDatasetsUseAllSizesAndSomeContents() throws IOException {
            person("a", 9);
            String before = DatasetFingerprint.ofContents(data().images(), 3); // reads 0, 3 and 6
            Files.writeString(root.resolve("a/1.jpg"), "A/1.JPG");
            assertThat(DatasetFingerprint.ofContents(data().images(), 3)).isEqualTo(before);
            Files.writeString(root.resolve("a/1.jpg"), "another size");
            String size = DatasetFingerprint.ofContents(data().images(), 3);
            Files.writeString(root.resolve("a/3.jpg"), "A/3.JPG");
            assertThat(Set.of(before, size, DatasetFingerprint.ofContents(data().images(), 3)))
                    .hasSize(3);
        }

        @Test
        void packHasTheContentsOfItsFolder() {
            for (int i = 0; i < 4; i++) {
                TestImages.write(root.resolve("people/a/" + i + ".png"), 8, 8, i);
            }
            FaceDataset folder = FaceDataset.folders(root.resolve("people"), Split.TRAIN, 0, 0, 0);
            Path pack = root.resolve("faces.pack");
            PackedFaces.write(pack, List.of(folder), 0, done -> {});
            FaceDataset packed = FaceDataset.packed(pack, Split.TRAIN);
            assertThat(packed.contentFingerprint()).isEqualTo(folder.contentFingerprint());
            PackedFaces.write(pack, List.of(folder), 8, done -> {});
            assertThat(FaceDataset.packed(pack, Split.TRAIN).contentFingerprint())
                    .as("decoded")
                    .isNotEqualTo(folder.contentFingerprint());
        }

        @Test
        void syntheticFacesAreIdentifiedByTheirNumbers() {
            Set<String> fingerprints = Arrays.stream(new long[] {0, 1})
                    .mapToObj(seed -> FaceDataset.synthetic(
                                    new SyntheticFaces(seed, 512)
                                            .identities(0, 100)
                                            .images(0, 50),
                                    Split.TRAIN)
                            .contentFingerprint())
                    .collect(Collectors.toSet());
            assertThat(fingerprints).hasSize(2); // nothing was painted: 10,000 faces of 512 px would take minutes
        }

        @Test
        void givenImagesAreIdentifiedByTheirPixels() {
            try (Mat image = TestImages.noise(9, 7, 1);
                    Mat same = image.clone();
                    Mat other = TestImages.noise(9, 7, 2);
                    Mat empty = new Mat()) {
                long checksum = ImageSource.of(image).contentChecksum();
                assertThat(ImageSource.of(same).contentChecksum()).isEqualTo(checksum);
                assertThat(ImageSource.of(other).contentChecksum()).isNotEqualTo(checksum);
                List<LabeledImage> unreadable = List.of(new LabeledImage(ImageSource.of(empty), 0));
                assertThat(DatasetFingerprint.ofContents(unreadable)).hasSize(16);
            }
            assertThat(ImageSource.of(new byte[] {1, 2}).contentBytes()).isEqualTo(2);
        }
    }
}
