package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.NORM_L1;
import static org.bytedeco.opencv.global.opencv_core.norm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.facerecognition.SharedFiles;
import org.facerecognition.augment.Grayscale;
import org.facerecognition.augment.Presets;
import org.facerecognition.augment.RandomEqualize;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.vision.FaceDetector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FaceDatasetTest {
    @TempDir
    Path root;

    /** Creates three people; person 1 is not in the validation part. */
    private Path celeba() throws IOException {
        for (int i = 0; i < 6; i++) {
            TestImages.write(root.resolve("celebA_imgs/00" + i + ".png"), 178, 218, i);
        }
        Files.writeString(
                root.resolve("celebA_anno.txt"), "000.png 0\n001.png 0\n002.png 1\n003.png 2\n004.png 2\n005.png 2\n");
        Files.writeString(
                root.resolve("celebA_train_split.txt"),
                "000.png 0\n001.png 1\n002.png 0\n003.png 0\n004.png 1\n005.png 2\n");
        return root;
    }

    private Path folders(int people, int images) {
        for (int person = 0; person < people; person++) {
            for (int i = 0; i < images; i++) {
                TestImages.write(root.resolve("person" + person + "/" + i + ".png"), 8, 8, i);
            }
        }
        return root;
    }

    private static List<String> names(FaceDataset data) {
        return IntStream.range(0, data.size())
                .mapToObj(i -> data.sample(i).image().name())
                .toList();
    }

    @Test
    void syntheticListsTheSelectedImages() {
        FaceDataset faces =
                FaceDataset.synthetic(new SyntheticFaces(0, 32).identities(3, 5).images(8, 10), Split.VAL);

        assertThat(names(faces)).containsExactly("synthetic-3/8", "synthetic-3/9", "synthetic-4/8", "synthetic-4/9");
        assertThat(faces.identities()).containsExactly("synthetic-3", "synthetic-4");
        assertThat(faces.sample(3).label()).isEqualTo(1);
        assertThat(faces.split()).isEqualTo(Split.VAL);
        assertThat(faces.crop()).isEqualTo(Crop.WHOLE);
    }

    @Test
    void celebaPartsFollowTheSplitFile() throws IOException {
        Path data = celeba();
        FaceDataset train = FaceDataset.celeba500(data, Split.TRAIN);

        assertThat(names(train))
                .extracting(n -> Path.of(n).getFileName().toString())
                .containsExactly("000.png", "002.png", "003.png");
        assertThat(train.sample(2).label()).isEqualTo(2);
        assertThat(train.classes()).isEqualTo(3);
        assertThat(train.crop()).isEqualTo(Crop.CELEBA_CROP);
        assertThat(FaceDataset.celeba500(data, Split.VAL).size()).isEqualTo(2);
        assertThat(FaceDataset.celeba500(data, Split.VAL).classes()).isEqualTo(3);
        assertThat(FaceDataset.celeba500(data, Split.TEST).size()).isEqualTo(1);
    }

    /** A list of 20 million images would fill the heap otherwise. */
    @Test
    void noLayoutKeepsAnObjectForEachImage() throws IOException {
        FaceDataset people = FaceDataset.folders(folders(4, 10), Split.TRAIN);
        assertThat(people.images()).isInstanceOf(ImageList.class);
        assertThat(people.withAtLeast(2).withCrop(Crop.WIDE).images()).isInstanceOf(ImageList.class);
        assertThat(FaceDataset.celeba500(celeba(), Split.TRAIN).images()).isInstanceOf(ImageList.class);
    }

    @Test
    void realCelebA500HasTheDocumentedSizes() {
        Path data = SharedFiles.orSkip("data/celebA_train_500");
        assertThat(FaceDataset.celeba500(data, Split.TRAIN).size()).isEqualTo(8544);
        assertThat(FaceDataset.celeba500(data, Split.VAL).size()).isEqualTo(1878);
        assertThat(FaceDataset.celeba500(data, Split.TEST).size()).isEqualTo(1589);
        assertThat(FaceDataset.celeba500(data, Split.TRAIN).classes()).isEqualTo(500);
        assertThat(FaceDataset.celeba500(data, Split.TRAIN)
                        .withAugmentations(Presets.fiveColor())
                        .size())
                .isEqualTo(6 * 8544);
    }

    @Test
    void eachAugmentationAddsOneCopyOfEachImage() throws IOException {
        FaceDataset plain = FaceDataset.celeba500(celeba(), Split.TRAIN);
        FaceDataset augmented = plain.withAugmentations(Presets.fiveColor());

        assertThat(augmented.size()).isEqualTo(6 * plain.size());
        for (int copy = 0; copy < 6; copy++) {
            for (int i = 0; i < plain.size(); i++) {
                Sample sample = augmented.sample(copy * plain.size() + i);
                assertThat(sample.image().name())
                        .isEqualTo(plain.sample(i).image().name());
                assertThat(sample.label()).isEqualTo(plain.sample(i).label());
                if (copy == 0) {
                    assertThat(sample.transforms()).isEmpty();
                } else {
                    assertThat(sample.transforms())
                            .isEqualTo(List.of(Presets.fiveColor().get(copy - 1)));
                }
            }
        }
        assertThatThrownBy(() -> augmented.sample(augmented.size())).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void composedAugmentationsApplyToEachImageInOrderWithoutCopies() throws IOException {
        FaceDataset composed =
                FaceDataset.celeba500(celeba(), Split.TRAIN).withAugmentations(Presets.fiveColor(), true);

        assertThat(composed.size()).isEqualTo(3);
        assertThat(composed.sample(0).transforms()).isEqualTo(Presets.fiveColor());
    }

    @Test
    void validationIsNeverAugmented() throws IOException {
        FaceDataset validation = FaceDataset.celeba500(celeba(), Split.VAL);
        assertThat(validation.sample(0).transforms()).isEmpty();
        assertThatThrownBy(() -> validation.withAugmentations(Presets.fiveColor()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("augmentations must be on the TRAIN split, but this is VAL: models are evaluated on"
                        + " unmodified images");
        assertThat(validation.withAugmentations(List.of()).size()).isEqualTo(2);
    }

    @Test
    void celebaCropIsRows77To177AndColumns45To128() {
        try (Mat image = TestImages.noise(178, 218, 1);
                Mat expected = new Mat(image, new Rect(45, 77, 83, 100));
                Mat square = new Mat();
                Mat cropped = Crop.CELEBA_CROP.apply(image, 112, "x")) {
            org.bytedeco.opencv.global.opencv_imgproc.resize(
                    expected, square, new org.bytedeco.opencv.opencv_core.Size(112, 112));
            assertThat(TestImages.bytes(cropped)).isEqualTo(TestImages.bytes(square));
        }
        try (Mat image = TestImages.noise(92, 112, 1)) {
            assertThatThrownBy(() -> Crop.CELEBA_CROP.apply(image, 112, "some.png"))
                    .isInstanceOf(DataException.class)
                    .hasMessage("image some.png must be 178x218 for crop celeba-crop, but was 92x112; that crop is for"
                            + " CelebA's aligned images: a model for others is trained with crop celeba-aligned"
                            + " (--align mean) or whole (--align none)");
        }
    }

    @Test
    void foldersAreSplitReproduciblyWithinEachIdentity() {
        Path data = folders(4, 10);
        FaceDataset train = FaceDataset.folders(data, Split.TRAIN, 0.2, 0.1, 5);
        FaceDataset val = FaceDataset.folders(data, Split.VAL, 0.2, 0.1, 5);
        FaceDataset test = FaceDataset.folders(data, Split.TEST, 0.2, 0.1, 5);

        Set<String> all = new HashSet<>();
        for (FaceDataset part : List.of(train, val, test)) {
            all.addAll(names(part));
            assertThat(part.identities()).containsExactly("person0", "person1", "person2", "person3");
        }
        assertThat(all).hasSize(40);
        assertThat(List.of(train.size(), val.size(), test.size())).containsExactly(28, 8, 4);
        for (int label = 0; label < 4; label++) {
            int person = label;
            assertThat(IntStream.range(0, 8).filter(i -> val.sample(i).label() == person))
                    .hasSize(2);
        }
        assertThat(names(FaceDataset.folders(data, Split.VAL, 0.2, 0.1, 5))).isEqualTo(names(val));
        assertThat(names(FaceDataset.folders(data, Split.VAL, 0.2, 0.1, 6))).isNotEqualTo(names(val));
    }

    @Test
    void addingAPersonDoesNotMoveOtherPeoplesImages() {
        List<String> before = names(FaceDataset.folders(folders(3, 10), Split.VAL));
        List<String> after = new ArrayList<>(names(FaceDataset.folders(folders(4, 10), Split.VAL)));
        after.removeIf(name -> name.contains("person3"));
        assertThat(after).isEqualTo(before);
    }

    @Test
    void fingerprintDependsOnEverythingThatChangesTraining() {
        Path data = folders(2, 4);
        FaceDataset train = FaceDataset.folders(data, Split.TRAIN);
        Set<String> fingerprints = Set.of(
                train.fingerprint(),
                train.withCrop(Crop.CELEBA_CROP).fingerprint(),
                train.withAugmentations(List.of(new Grayscale(3))).fingerprint(),
                train.withAugmentations(List.of(new RandomEqualize())).fingerprint(),
                train.withAugmentations(List.of(new RandomEqualize()), true).fingerprint(),
                FaceDataset.folders(data, Split.VAL).fingerprint());
        assertThat(fingerprints).hasSize(6);
        assertThat(FaceDataset.folders(data, Split.TRAIN).fingerprint()).isEqualTo(train.fingerprint());
    }

    // ---- bad input ----

    @Test
    void rejectsMissingAndEmptyFolders() throws IOException {
        Path nowhere = root.resolve("nowhere");
        assertThatThrownBy(() -> FaceDataset.folders(nowhere, Split.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessage("data folder " + nowhere + " does not exist; give a folder with one folder of images per"
                        + " person");
        Path pack =
                Files.createFile(Files.createDirectory(root.resolve("other")).resolve("people.pack"));
        assertThatThrownBy(() -> FaceDataset.folders(pack, Split.TRAIN))
                .hasMessage("data folder " + pack + " is a file; give a folder with one folder of images per person, or"
                        + " another layout");
        Files.delete(pack);
        Files.delete(pack.getParent());
        assertThatThrownBy(() -> FaceDataset.celeba500(nowhere, Split.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessage("data folder " + nowhere + " does not exist; give the folder that holds celebA_imgs,"
                        + " celebA_anno.txt and celebA_train_split.txt");
        assertThatThrownBy(() -> FaceDataset.folders(root, Split.TRAIN))
                .hasMessage("data folder " + root + " is empty: it must have one folder of images per person");
        assertThatThrownBy(() -> FaceDataset.celeba500(root, Split.TRAIN))
                .hasMessageContaining(root.resolve("celebA_anno.txt") + " must exist and be readable");
    }

    @Test
    void rejectsASplitFileThatNamesAMissingImage() throws IOException {
        Path data = celeba();
        Files.delete(data.resolve("celebA_imgs/003.png"));
        assertThatThrownBy(() -> FaceDataset.celeba500(data, Split.VAL))
                .isInstanceOf(DataException.class)
                .hasMessage("image 003.png, named in " + data.resolve("celebA_train_split.txt") + ", is missing from "
                        + data.resolve("celebA_imgs") + "; restore it or remove its line");
    }

    @Test
    void namesMalformedLinesByNumber() throws IOException {
        Path data = celeba();
        Files.writeString(data.resolve("celebA_train_split.txt"), "000.png 0\n001.png 3\n");
        assertThatThrownBy(() -> FaceDataset.celeba500(data, Split.TRAIN))
                .hasMessage(data.resolve("celebA_train_split.txt")
                        + ", line 2 must be \"file number\" with a number in [0, 3), but was \"001.png 3\"");
        Files.writeString(data.resolve("celebA_train_split.txt"), "000.png 0\n000.png 1\n");
        assertThatThrownBy(() -> FaceDataset.celeba500(data, Split.TRAIN))
                .hasMessage(data.resolve("celebA_train_split.txt") + ", line 2 names 000.png a second time");
        Files.writeString(data.resolve("celebA_train_split.txt"), "000.png 0\n");
        assertThatThrownBy(() -> FaceDataset.celeba500(data, Split.VAL)).hasMessageContaining("names none");
        Files.writeString(data.resolve("celebA_anno.txt"), "001.png 0\n");
        assertThatThrownBy(() -> FaceDataset.celeba500(data, Split.TRAIN))
                .hasMessageContaining("000.png")
                .hasMessageContaining("has no identity");
    }

    @Test
    void rejectsFractionsThatLeaveNothingForTraining() {
        folders(2, 4);
        assertThatThrownBy(() -> FaceDataset.folders(root, Split.TRAIN, 0.5, 0.5, 0))
                .hasMessage("fractions must be at least 0 and together below 1, but were val 0.5 and test 0.5");
    }

    @Test
    void splitsBetweenPeople() {
        Path data = folders(10, 5);
        FaceDataset train = FaceDataset.folders(data, Split.TRAIN);
        FaceDataset val = FaceDataset.folders(data, Split.VAL);
        FaceDataset.ByIdentity parts = train.byIdentity(0.3, 1);
        assertThat(parts.unseen().classes()).isEqualTo(3);
        assertThat(parts.seen().classes()).isEqualTo(7);
        assertThat(parts.seen().identities())
                .doesNotContainAnyElementsOf(parts.unseen().identities());
        assertThat(parts.seen().size() + parts.unseen().size()).isEqualTo(train.size());
        assertThat(val.byIdentity(0.3, 1).unseen().identities())
                .as("the same people in every part")
                .isEqualTo(parts.unseen().identities());
        assertThat(parts.seen().sample(0).label()).isZero();
        Set<List<String>> choices = new HashSet<>();
        for (int seed = 0; seed < 5; seed++) {
            choices.add(train.byIdentity(0.3, seed).unseen().identities());
        }
        assertThat(choices).hasSizeGreaterThan(1);
        assertThat(train.byIdentity(0.001, 0).unseen().classes()).isEqualTo(1);
        assertThat(train.byIdentity(0.999, 0).seen().classes()).isEqualTo(1);
        assertThatThrownBy(() -> train.byIdentity(1, 0)).hasMessage("fraction must be in (0, 1), but was 1.0");
        assertThatThrownBy(() -> train.withIdentities(List.of("person1", "person0", "person1")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("identities must be chosen once each, but \"person1\" was chosen twice");
        FaceDataset one = train.withIdentities(List.of("person1"));
        assertThatThrownBy(() -> one.byIdentity(0.5, 0))
                .hasMessage("data must have at least 2 people to be split between them, but has 1");
    }

    @Test
    void joinsPartsAndLimitsImagesPerPerson() {
        Path data = folders(3, 5);
        FaceDataset train = FaceDataset.folders(data, Split.TRAIN);
        FaceDataset val = FaceDataset.folders(data, Split.VAL);
        FaceDataset both = train.with(val);
        assertThat(names(both)).hasSize(15).doesNotHaveDuplicates();
        assertThat(both.withAtMost(2).size()).isEqualTo(6);
        assertThat(both.withAtMost(2).sample(5).label()).isEqualTo(2);
        FaceDataset others = val.withIdentities(List.of("person1"));
        assertThatThrownBy(() -> train.with(others))
                .hasMessageContaining("both parts must have the same people and crop");
        assertThatThrownBy(() -> both.withAtMost(0)).hasMessage("images must be at least 1 of each person, but were 0");
    }

    @Test
    void cropsOfCropsShowTheSamePixelsAsWholeImages() {
        try (Mat image = TestImages.noise(178, 218, 5);
                Rect place = new Rect(45, 77, 83, 100);
                Mat crop = new Mat(image, place).clone();
                Mat ofWhole = Crop.CELEBA_CROP.apply(image, 64, "x");
                Mat ofCrop = Crop.CELEBA_CROPPED.apply(crop, 64, "x");
                Mat aligned = Crop.CELEBA_ALIGNED.apply(image, 112, "x");
                Mat cropAligned = Crop.CELEBA_CROP_ALIGNED.apply(crop, 112, "x")) {
            assertThat(TestImages.bytes(ofCrop)).isEqualTo(TestImages.bytes(ofWhole));
            byte[] expected = TestImages.bytes(aligned);
            byte[] actual = TestImages.bytes(cropAligned);
            int different = 0;
            for (int y = 20; y < 100; y++) {
                for (int x = 20; x < 92; x++) {
                    int at = 3 * (112 * y + x);
                    different += Math.abs((expected[at] & 0xff) - (actual[at] & 0xff)) > 2 ? 1 : 0;
                }
            }
            assertThat(different).as("inside the crop").isZero();
            assertThat(actual[0]).as("black beyond it").isZero();
        }
        assertThat(Crop.CELEBA_CROP_ALIGNED.isCompatibleWith(Crop.CELEBA_ALIGNED))
                .isTrue();
        assertThat(Crop.CELEBA_CROPPED.isCompatibleWith(Crop.CELEBA_CROP)).isTrue();
        assertThat(Crop.CELEBA_CROPPED.isCompatibleWith(Crop.CELEBA_ALIGNED)).isFalse();
        assertThat(Crop.WHOLE.isCompatibleWith(Crop.CELEBA_ALIGNED)).isTrue();
        assertThat(Crop.WHOLE.isCompatibleWith(Crop.CELEBA_CROP)).isFalse();
        assertThat(Crop.WHOLE.isCompatibleWith(Crop.WIDE)).isTrue();
        assertThat(Crop.WIDE.isCompatibleWith(Crop.WIDE)).isTrue();
        assertThat(Crop.WIDE.isCompatibleWith(Crop.WHOLE)).isFalse();
        assertThat(Crop.WIDE.isCompatibleWith(Crop.CELEBA_ALIGNED)).isFalse();
        assertThat(Crop.CELEBA_ALIGNED.isCompatibleWith(Crop.WHOLE)).isFalse();
        assertThat(Crop.CELEBA_CROP.ofCrops()).isEqualTo(Crop.CELEBA_CROPPED);
        assertThat(Crop.CELEBA_CROPPED.takesAlignedFaces()).isFalse();
    }

    /** A training that is resumed must find faces in the same way; names and contents of images do not tell. */
    @Test
    void describesHowFacesAreFound() {
        FaceDataset faces = FaceDataset.folders(folders(2, 3), Split.TRAIN);
        assertThat(FaceFinding.in(faces)).isEmpty();
        Path squares = Path.of("src/test/resources/vision/squares.onnx");
        try (FaceDetector one = FaceDetector.open(squares);
                FaceDetector other = FaceDetector.open(squares, defaults -> defaults.withLargestSidePx(320))) {
            String found = FaceFinding.in(faces.withFacesFound(one, 112, image -> {}));
            assertThat(found).contains(one.fingerprint(), "112 px");
            assertThat(FaceFinding.in(faces.withFacesFound(one, 112, image -> {})))
                    .isEqualTo(found);
            assertThat(FaceFinding.in(faces.withFacesFound(one, 96, image -> {})))
                    .isNotEqualTo(found);
            assertThat(FaceFinding.in(faces.withFacesFound(other, 112, image -> {})))
                    .isNotEqualTo(found);
            assertThat(faces.withFacesFound(one, 112, image -> {}).crop()).isEqualTo(Crop.WHOLE);
            assertThat(faces.withCrop(Crop.WIDE)
                            .withFacesFound(one, 128, image -> {})
                            .crop())
                    .as("what a model that is trained on them takes")
                    .isEqualTo(Crop.WIDE);
        }
    }

    @Test
    void alignsDetectedFacesAndFallsBackToTheCrop() {
        Path detector = SharedFiles.orSkip("weights/yunet/yunet_s_640_640.onnx");
        OpenSetFaces crops = OpenSetFaces.celebaIr(SharedFiles.orSkip("data/celebA_ir"), Crop.CELEBA_CROP_ALIGNED);
        TestImages.write(root.resolve("a/noise.png"), 83, 100, 1);
        FaceDataset noise = FaceDataset.folders(root, Split.TRAIN, 0, 0, 0).withCrop(Crop.CELEBA_CROP_ALIGNED);
        List<String> notFound = new ArrayList<>();
        try (FaceDetector yunet = FaceDetector.open(detector)) {
            FaceDataset faces = crops.queries().withFacesFound(yunet, 112, image -> notFound.add(image.name()));
            assertThat(faces.crop()).isEqualTo(Crop.WHOLE);
            double difference = 0;
            for (int i = 0; i < 10; i++) {
                try (Mat found = faces.sample(i).image().read();
                        Mat whole = crops.queries().sample(i).image().read();
                        Mat byMeanLandmarks = Crop.CELEBA_CROP_ALIGNED.apply(whole, 112, "x")) {
                    assertThat(found.cols()).isEqualTo(112);
                    difference += norm(found, byMeanLandmarks, NORM_L1, null) / (3 * 112 * 112);
                }
            }
            assertThat(notFound).isEmpty();
            assertThat(difference / 10)
                    .as("near the mean place of CelebA's faces")
                    .isBetween(3.0, 25.0);
            try (Mat fallback = noise.withFacesFound(yunet, 112, image -> notFound.add(image.name()))
                            .sample(0)
                            .image()
                            .read();
                    Mat whole = noise.sample(0).image().read();
                    Mat byMeanLandmarks = Crop.CELEBA_CROP_ALIGNED.apply(whole, 112, "x")) {
                assertThat(notFound).containsExactly("a/noise.png");
                assertThat(TestImages.bytes(fallback)).isEqualTo(TestImages.bytes(byMeanLandmarks));
            }
        }
    }
}
