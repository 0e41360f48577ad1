package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.SharedFiles;
import org.facerecognition.augment.RandomInvert;
import org.facerecognition.eval.VerificationSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Data sets in one file: packs, and insightface's two formats ({@code images/make.py} wrote those files). */
class PackedSetsTest {
    private static final int SIZE = 24;

    @TempDir
    Path folder;

    private Path faces;

    @BeforeEach
    void write() {
        faces = folder.resolve("faces");
        for (int person = 0; person < 3; person++) {
            for (int i = 0; i < 5 + person; i++) {
                TestImages.write(faces.resolve("person" + person + "/" + i + ".png"), 30, 40, 10L * person + i);
            }
        }
    }

    private static List<List<Float>> batches(FaceDataset data) {
        List<List<Float>> all = new ArrayList<>();
        var settings = BatchLoader.Settings.of(SIZE, Normalization.SYMMETRIC)
                .withBatchSize(4)
                .withSampler(Sampler.shuffled())
                .withSeed(5);
        try (BatchLoader loader = new BatchLoader(data, settings);
                BatchLoader.Epoch epoch = loader.epoch(1)) {
            while (epoch.hasNext()) {
                try (Batch batch = epoch.next();
                        PointerScope scope = new PointerScope()) {
                    Tensor flat = batch.images().contiguous();
                    float[] pixels = new float[(int) flat.numel()];
                    flat.data_ptr_float().get(pixels);
                    List<Float> values = new ArrayList<>();
                    for (float pixel : pixels) {
                        values.add(pixel);
                    }
                    all.add(values);
                }
            }
        }
        return all;
    }

    private Path pack(int decodedPx) {
        Path file = folder.resolve("faces.pack");
        List<FaceDataset> parts =
                List.of(FaceDataset.folders(faces, Split.TRAIN), FaceDataset.folders(faces, Split.VAL));
        List<Integer> progress = new ArrayList<>();
        PackedFaces.write(file, parts, decodedPx, progress::add);
        assertThat(progress).hasSize(18).endsWith(18);
        return file;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, SIZE})
    void packGivesTheSameBatchesAsItsFolders(int decodedPx) {
        Path file = pack(decodedPx);
        for (Split split : List.of(Split.TRAIN, Split.VAL)) {
            FaceDataset original = FaceDataset.folders(faces, split);
            FaceDataset packed = FaceDataset.packed(file, split);
            assertThat(packed.identities()).isEqualTo(original.identities());
            assertThat(packed.fingerprint()).isEqualTo(original.fingerprint());
            assertThat(batches(packed)).isEqualTo(batches(original));
        }
        FaceDataset augmented = FaceDataset.packed(file, Split.TRAIN).withAugmentations(List.of(new RandomInvert(1)));
        assertThat(batches(augmented))
                .isEqualTo(batches(
                        FaceDataset.folders(faces, Split.TRAIN).withAugmentations(List.of(new RandomInvert(1)))));
        assertThatThrownBy(() -> FaceDataset.packed(file, Split.TEST))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("must have images of split TEST, but has none");
    }

    @Test
    void decodedPackIsForItsSizeAndCropOnly() {
        FaceDataset packed = FaceDataset.packed(pack(SIZE + 1), Split.TRAIN);
        assertThatThrownBy(() -> batches(packed))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the model's input must be 25 px, as these images were packed, but is 24 px; pack the"
                        + " original images again");
        assertThatThrownBy(() -> packed.withCrop(Crop.CELEBA_CROP))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("crop must be whole, since these images are cropped already");
    }

    /** It used to become a pack of encoded images that could not be decoded. */
    @ParameterizedTest
    @ValueSource(ints = {0, SIZE})
    void aPackOfPixelsThatIsPackedAgainStaysOne(int decodedPx) {
        FaceDataset first = FaceDataset.packed(pack(SIZE), Split.TRAIN);
        Path file = folder.resolve("again.pack");
        List<Path> shards = PackedFaces.write(file, List.of(first), decodedPx, 2, done -> {});
        for (Path shard : shards) {
            FaceDataset again = FaceDataset.packed(shard, Split.TRAIN);
            assertThat(again.sample(0).image().croppedPx()).isEqualTo(SIZE);
            assertThat(again.fingerprint()).isEqualTo(first.fingerprint());
            assertThat(again.contentFingerprint()).isEqualTo(first.contentFingerprint());
            assertThat(batches(again)).isEqualTo(batches(first));
        }
        assertThatThrownBy(() -> PackedFaces.write(file, List.of(first), SIZE + 1, done -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("decodedPx must be 24 (or 0), as these images were packed, but was 25; to change it, pack"
                        + " the original images again");
    }

    /** The photographs in a pack, or in insightface's records, would be replaced by what is cut out of them. */
    @Test
    void isNotWrittenOverWhatItsImagesAreCutOutOf() throws IOException {
        Path pack = pack(0);
        byte[] before = Files.readAllBytes(pack);
        FaceCropper cropper = FaceCropper.withoutDetector(Crop.WHOLE, SIZE);
        FaceDataset cropped = FaceDataset.packed(pack, Split.TRAIN).cropped(cropper);
        assertThatThrownBy(() -> PackedFaces.write(pack, List.of(cropped), 0, done -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("must be written to other files than those that the images come from");
        assertThat(pack).hasBinaryContent(before);

        for (String file : List.of("train.rec", "train.idx")) {
            Files.copy(ImageFormatsTest.resource("recordio").resolve(file), folder.resolve(file));
        }
        Path records = folder.resolve("train.rec");
        FaceDataset ofRecords = FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0);
        for (FaceDataset data : List.of(ofRecords, ofRecords.cropped(cropper))) {
            assertThatThrownBy(() -> PackedFaces.write(records, List.of(data), 0, done -> {}))
                    .hasMessageContaining("but one is " + records);
        }
        assertThat(records)
                .hasSameBinaryContentAs(ImageFormatsTest.resource("recordio").resolve("train.rec"));
    }

    @Test
    void aUnionWithCroppedImagesCannotBeCroppedOtherwise() {
        FaceDataset photographs = FaceDataset.folders(faces, Split.TRAIN);
        FaceDataset both = photographs.with(FaceDataset.packed(pack(SIZE), Split.TRAIN));
        assertThatThrownBy(() -> both.withCrop(Crop.CELEBA_ALIGNED))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("since these images are cropped already");
        assertThat(photographs.withCrop(Crop.CELEBA_ALIGNED).crop()).isEqualTo(Crop.CELEBA_ALIGNED);
    }

    @Test
    void packedPixelsAreGivenAsAnImageFile() {
        ImageSource packed =
                FaceDataset.packed(pack(SIZE), Split.TRAIN).sample(0).image();
        try (Mat pixels = packed.read();
                Mat decoded = ImageSource.of(packed.encoded()).read()) {
            assertThat(TestImages.bytes(decoded)).isEqualTo(TestImages.bytes(pixels));
        }
    }

    @Test
    void rejectsADamagedPackOrNamesTheImage() throws IOException {
        Path file = pack(0);
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length += 97) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> FaceDataset.packed(file, Split.TRAIN))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining(file.toString());
        }
        byte[] inImage = whole.clone();
        inImage[100] ^= 4;
        Files.write(file, inImage);
        FaceDataset data = FaceDataset.packed(file, Split.TRAIN);
        assertThatThrownBy(() -> batches(data))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("in pack " + file + " is damaged: its checksum differs");
        byte[] inIndex = whole.clone();
        inIndex[whole.length - 60] ^= 4;
        Files.write(file, inIndex);
        assertThatThrownBy(() -> FaceDataset.packed(file, Split.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("the index of pack " + file + " is damaged");
        assertThatThrownBy(() -> FaceDataset.packed(folder.resolve("nowhere"), Split.TRAIN))
                .hasMessage("data file " + folder.resolve("nowhere") + " does not exist");
    }

    /** The index is JSON with a checksum, which anybody can compute. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"identities\":0}",
                "{\"identities\":[0]}",
                "{\"identities\":[null]}",
                "{\"identities\":{}}",
                "{\"images\":0}",
                "{\"images\":{}}",
                "{\"images\":[0]}",
                "{\"identities\":[\"a\"]",
                "[]",
                "0",
                "null",
                ""
            })
    void rejectsAnIndexOfAnotherForm(String json) throws IOException {
        byte[] whole = Files.readAllBytes(pack(0));
        ByteBuffer end = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN);
        int place = whole.length - PackIndex.END_BYTES;
        int begin = Math.toIntExact(end.getLong(place));
        byte[] index = json.getBytes(StandardCharsets.UTF_8);
        ByteBuffer changed =
                ByteBuffer.allocate(begin + index.length + PackIndex.END_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        changed.put(whole, 0, begin).put(index).putLong(begin).putInt(index.length);
        changed.putInt((int) Checksum.of(index)).put(PackedFaces.MAGIC);
        Path file = Files.write(folder.resolve("other.pack"), changed.array());
        assertThatThrownBy(() -> FaceDataset.packed(file, Split.TRAIN))
                .isInstanceOf(DataException.class)
                .hasMessageContaining(file.toString());
    }

    @Test
    void rejectsPartsThatDoNotBelongTogether() {
        FaceDataset train = FaceDataset.folders(faces, Split.TRAIN);
        FaceDataset other = FaceDataset.folders(faces, Split.VAL).withIdentities(List.of("person1"));
        assertThatThrownBy(() -> PackedFaces.write(folder.resolve("x"), List.of(train), 10_001, done -> {}))
                .hasMessage("decodedPx must be 0 to 10000 pixels, but was 10001");
        assertThatThrownBy(() -> PackedFaces.write(folder.resolve("x"), List.of(train, other), 0, done -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("parts of a pack must have the same identities and crop");
        assertThat(folder.resolve("x")).doesNotExist();
    }

    @Test
    void excludesIdentitiesWithFewImages() {
        FaceDataset train = FaceDataset.folders(faces, Split.TRAIN); // 4, 5, 6 images
        FaceDataset more = train.withAtLeast(5);
        assertThat(more.identities()).containsExactly("person1", "person2");
        assertThat(more.size()).isEqualTo(11);
        assertThat(more.sample(0).label()).isZero();
        assertThat(more.sample(0).image().name()).startsWith("person1/");
        FaceDataset validation = FaceDataset.folders(faces, Split.VAL).withIdentities(more.identities());
        assertThat(validation.size()).isEqualTo(2);
        assertThat(validation.classes()).isEqualTo(2);
        assertThatThrownBy(() -> train.withIdentities(List.of("Ada", "Bob")))
                .isInstanceOf(DataException.class)
                .hasMessage("the TRAIN data must have images of the chosen identities, but has none of 2 such as"
                        + " \"Ada\"; its people are called, for example, \"person0\"; check the names");
        assertThatThrownBy(() -> train.withAtLeast(7))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("ask for fewer images of each");
    }

    // ---- insightface's formats ----

    @Test
    void readsRecordIo() {
        Path set = ImageFormatsTest.resource("recordio");
        FaceDataset all = FaceDataset.recordIo(set, Split.TRAIN, 0, 0, 0);
        assertThat(all.size()).isEqualTo(12);
        assertThat(all.identities()).containsExactly("0", "1", "2");
        for (int i = 0; i < 12; i++) {
            Sample sample = all.sample(i);
            assertThat(sample.label()).isEqualTo(i / 4);
            try (Mat image = sample.image().read()) {
                byte[] left = TestImages.bytes(image);
                assertThat(left[0] & 0xff).isBetween(60 * (i / 4) + 36, 60 * (i / 4) + 44);
                assertThat(left[1] & 0xff).isBetween(Math.max(0, 10 * (i % 4) - 4), 10 * (i % 4) + 4);
            }
        }
        assertThat(FaceDataset.recordIo(set, Split.VAL, 0.25, 0, 0).size()).isEqualTo(3);
    }

    /** Record 0 has the end of the images as a float32, which is rounded here from 16,777,219 to 16,777,220. */
    @Test
    void takesNoRecordsOfIdentitiesForImagesInALargeSet() throws IOException {
        ByteBuffer records = ByteBuffer.allocate(1_000).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder index = new StringBuilder();
        int end = (1 << 24) + 3;
        addRecord(records, index, 0, new float[] {end, end + 2}, 0);
        addRecord(records, index, end - 2, new float[] {5}, 3);
        addRecord(records, index, end - 1, new float[] {6, 0}, 3); // an image can have several labels too
        addRecord(records, index, end, new float[] {1, 8_000_000}, 0);
        addRecord(records, index, end + 1, new float[] {8_000_000, end}, 0);
        Files.write(folder.resolve("train.rec"), Arrays.copyOf(records.array(), records.position()));
        Files.writeString(folder.resolve("train.idx"), index);
        FaceDataset data = FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0);
        assertThat(data.identities()).containsExactly("5", "6");
        assertThat(data.size()).isEqualTo(2);
    }

    /** As MXNet's im2rec writes it: record 0 is an image like the others. */
    @Test
    void readsRecordIoWithoutAHeaderRecord() throws IOException {
        ByteBuffer records = ByteBuffer.allocate(1_000).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder index = new StringBuilder();
        for (int key = 0; key < 6; key++) {
            addRecord(records, index, key, new float[] {key}, 3);
        }
        Files.write(folder.resolve("train.rec"), Arrays.copyOf(records.array(), records.position()));
        Files.writeString(folder.resolve("train.idx"), index);
        assertThat(FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0).identities())
                .containsExactly("0", "1", "2", "3", "4", "5");
    }

    /** Names decide whether a training may be resumed, and whether ranks on several machines have the same data. */
    @Test
    void namesOfImagesInOneFileDoNotSayWhereTheFileIs() throws IOException {
        Path here = ImageFormatsTest.resource("recordio");
        Path copy = Files.createDirectories(folder.resolve("elsewhere"));
        for (String file : List.of("train.rec", "train.idx")) {
            Files.copy(here.resolve(file), copy.resolve(file));
        }
        FaceDataset data = FaceDataset.recordIo(here, Split.TRAIN, 0, 0, 0);
        FaceDataset moved = FaceDataset.recordIo(copy, Split.TRAIN, 0, 0, 0);
        assertThat(moved.fingerprint()).isEqualTo(data.fingerprint());
        assertThat(moved.sample(0).image().name()).isEqualTo("train.rec record 1");
        assertThat(moved.formerFingerprint()).isNotEqualTo(data.formerFingerprint());
        FaceDataset folders = FaceDataset.folders(faces, Split.TRAIN);
        assertThat(folders.formerFingerprint()).isEqualTo(folders.fingerprint());
        Path bin = ImageFormatsTest.resource("pairs.bin");
        Path binCopy = Files.copy(bin, folder.resolve("pairs.bin"));
        VerificationSet pairs = VerificationSet.of(FacePairs.insightfaceBin(bin), Crop.WHOLE);
        VerificationSet movedPairs = VerificationSet.of(FacePairs.insightfaceBin(binCopy), Crop.WHOLE);
        assertThat(movedPairs.fingerprint()).isEqualTo(pairs.fingerprint());
        assertThat(movedPairs.formerFingerprint()).isNotEqualTo(pairs.formerFingerprint());
    }

    static void addRecord(ByteBuffer records, StringBuilder index, int key, float[] labels, int imageBytes) {
        index.append(key).append('\t').append(records.position()).append('\n');
        int several = labels.length == 1 ? 0 : labels.length;
        int length = 24 + Float.BYTES * several + imageBytes;
        records.putInt(0xced7230a).putInt(length).putInt(several).putFloat(labels[0]);
        records.putLong(key).putLong(0);
        for (int i = 0; i < several; i++) {
            records.putFloat(labels[i]);
        }
        records.position(records.position() + (imageBytes + 3) / 4 * 4);
    }

    private static int readAll(Path folder) {
        FaceDataset data = FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0);
        for (int i = 0; i < data.size(); i++) {
            data.sample(i).image().read().close();
        }
        return data.size();
    }

    @Test
    void rejectsDamagedRecordIo() throws IOException {
        byte[] records = Files.readAllBytes(ImageFormatsTest.resource("recordio/train.rec"));
        byte[] index = Files.readAllBytes(ImageFormatsTest.resource("recordio/train.idx"));
        Path rec = folder.resolve("train.rec");
        Path idx = folder.resolve("train.idx");
        Files.write(idx, index);
        int imagesEnd =
                Integer.parseInt(new String(index).lines().toList().get(13).split("\t")[1]);
        for (int length = 0; length < records.length; length += 211) {
            Files.write(rec, Arrays.copyOf(records, length));
            if (length >= imagesEnd) { // only the records of identities, which are not needed, are cut off
                assertThat(readAll(folder)).isEqualTo(12);
            } else {
                assertThatThrownBy(() -> readAll(folder))
                        .isInstanceOf(DataException.class)
                        .hasMessageContaining(rec.toString());
            }
        }
        Files.write(rec, records);
        Files.writeString(idx, "0\t0\n1 what\n");
        assertThatThrownBy(() -> FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0))
                .hasMessage(idx + ", line 2 must be \"key offset\", but was \"1 what\"");
        Files.writeString(idx, "0\t0\n1\t5\n");
        assertThatThrownBy(() -> FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0)
                        .sample(0)
                        .image()
                        .read())
                .isInstanceOf(DataException.class);
        Files.delete(idx);
        assertThatThrownBy(() -> FaceDataset.recordIo(folder, Split.TRAIN, 0, 0, 0))
                .hasMessageContaining(idx + " must exist and be readable");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pairs.bin", "pairs-2.bin", "pairs-python2.bin", "pairs-numpy.bin", "pairs-numpy-2.bin"})
    void readsVerificationSetsOfEveryPythonVersion(String name) {
        FacePairs pairs = FacePairs.insightfaceBin(ImageFormatsTest.resource(name));
        assertThat(pairs.pairs()).extracting(FacePairs.Pair::same).containsExactly(true, false, true);
        for (int i = 0; i < 3; i++) {
            try (Mat first = pairs.pairs().get(i).first().read();
                    Mat second = pairs.pairs().get(i).second().read()) {
                assertThat(first.cols()).isEqualTo(112);
                assertThat(TestImages.bytes(first)[0] & 0xff).isBetween(80 * i - 4, 80 * i + 4);
                assertThat(TestImages.bytes(second)[0] & 0xff).isBetween(80 * i + 36, 80 * i + 44);
            }
        }
    }

    private static List<Arguments> verificationSets() throws IOException {
        List<Arguments> all = new ArrayList<>();
        try (ZipFile zip =
                new ZipFile(ImageFormatsTest.resource("verification-sets.zip").toFile())) {
            for (ZipEntry entry : Collections.list(zip.entries())) {
                all.add(Arguments.of(entry.getName(), zip.getInputStream(entry).readAllBytes()));
            }
        }
        return all;
    }

    /** Lists, tuples, arrays and byte arrays, in the pickle protocols 0 to 5 of NumPy 1 and 2. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("verificationSets")
    void readsVerificationSetsInEveryLayout(String name, byte[] pickle) throws IOException {
        FacePairs pairs = FacePairs.insightfaceBin(Files.write(folder.resolve(name + ".bin"), pickle));
        assertThat(pairs.pairs()).extracting(FacePairs.Pair::same).containsExactly(true, false);
        for (int i = 0; i < 2; i++) {
            try (Mat first = pairs.pairs().get(i).first().read();
                    Mat second = pairs.pairs().get(i).second().read()) {
                assertThat(TestImages.bytes(first)[0]).isEqualTo((byte) (20 * i));
                assertThat(TestImages.bytes(second)[0]).isEqualTo((byte) (20 * i + 10));
            }
        }
    }

    @Test
    void rejectsImagesThatAreNumbers() {
        assertThatThrownBy(() -> FacePairs.insightfaceBin(ImageFormatsTest.resource("floats.bin")))
                .isInstanceOf(DataException.class)
                .hasMessageEndingWith("image 0 must be bytes, but is of another type");
    }

    @Test
    void rejectsTypesOfNumpyThatHoldOtherThanNumbers() throws IOException {
        for (String type : List.of("U4", "V8", "M8", "i3", "f2", "")) {
            String pickle = "\u0080\2(](ecnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U" + (char) type.length()
                    + type + "tRU\4abcdtRt.";
            Path file = Files.write(folder.resolve("set.bin"), pickle.getBytes(StandardCharsets.ISO_8859_1));
            assertThatThrownBy(() -> FacePairs.insightfaceBin(file))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining("save images as bytes and the labels of pairs as a list of booleans");
        }
    }

    @Test
    void readsARealVerificationSet() {
        FacePairs pairs = FacePairs.insightfaceBin(SharedFiles.orSkip("fixtures/insightface_bin/small_lfw.bin"));
        assertThat(pairs.pairs()).hasSize(10);
        for (FacePairs.Pair pair : pairs.pairs()) {
            try (Mat first = pair.first().read();
                    Mat second = pair.second().read()) {
                assertThat(first.cols()).isEqualTo(112);
                assertThat(second.rows()).isEqualTo(112);
            }
        }
    }

    @Test
    void executesNothingInAVerificationSet() throws IOException {
        assertThatThrownBy(() -> FacePairs.insightfaceBin(ImageFormatsTest.resource("evil.bin")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("Nothing in it was executed");
        assertThat(Path.of("/tmp/face-recognition-was-here")).doesNotExist();
        byte[] whole = Files.readAllBytes(ImageFormatsTest.resource("pairs.bin"));
        Path cut = folder.resolve("cut.bin");
        for (int length = 0; length < whole.length; length += 61) {
            Files.write(cut, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> FacePairs.insightfaceBin(cut))
                    .isInstanceOf(DataException.class)
                    .hasMessageContaining(cut.toString());
        }
        Files.write(cut, new byte[] {(byte) 0x80, 4, 'B', -1, -1, -1, 0x7f, 1}); // 2 GiB of bytes
        assertThatThrownBy(() -> FacePairs.insightfaceBin(cut)).isInstanceOf(DataException.class);
        Files.write(cut, new byte[] {(byte) 0x80, 4, ']', '.'});
        assertThatThrownBy(() -> FacePairs.insightfaceBin(cut))
                .hasMessageContaining("must hold a list of images and half as many booleans");
    }

    /** Case N2: NumPy arrays in pickle protocol 5, NumPy's scalar booleans, and an array of booleans. */
    @Test
    void readsVerificationSetsInPickleProtocol5() throws IOException {
        String frombuffer =
                "cnumpy._core.numeric\n_frombuffer\n(\u0096\3\0\0\0\0\0\0\0abccnumpy\ndtype\n(U\2u1K\0K\1tRK\3\u0085"
                        + "U\1CtR";
        String type = "cnumpy\ndtype\n(U\2b1K\0K\1tR";
        String yes = "cnumpy.core.multiarray\nscalar\n(" + type + "C\1\1tR";
        String no = "cnumpy._core.multiarray\nscalar\n(" + type + "C\1\0tR";
        String images = "](" + frombuffer.repeat(4) + "e";
        String array = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\u0085C\1btR(K\1K\2\u0085" + type
                + "\u0089C\2\1\0tb";
        for (String booleans : new String[] {"](" + yes + no + "e", array}) {
            String pickle = "\u0080\5(" + images + booleans + "t.";
            Path file = Files.write(folder.resolve("set.bin"), pickle.getBytes(StandardCharsets.ISO_8859_1));
            FacePairs pairs = FacePairs.insightfaceBin(file);
            assertThat(pairs.pairs().stream().map(FacePairs.Pair::same)).containsExactly(true, false);
            assertThatThrownBy(() -> pairs.pairs().get(0).first().read())
                    .hasMessageContaining("image 0 is not an image that can be decoded (3 bytes)");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"protocol5", "bools"})
    void readsVerificationSetsOfBugReports(String name) {
        FacePairs pairs =
                FacePairs.insightfaceBin(SharedFiles.orSkip("bugs/N2-verification-set-numpy-" + name + ".bin"));
        assertThat(pairs.pairs()).isNotEmpty().allSatisfy(pair -> {
            pair.first().read().close();
            pair.second().read().close();
        });
    }

    /** One string of a megabyte, converted for each of a hundred thousand images, would take 100 GB. */
    @Test
    void rejectsOneStringUsedForManyImages() throws IOException {
        ByteArrayOutputStream pickle = new ByteArrayOutputStream();
        pickle.writeBytes(new byte[] {(byte) 0x80, 2, '(', ']', '(', 'T', 0, 0, 16, 0});
        pickle.writeBytes("x".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII));
        pickle.writeBytes(new byte[] {'q', 0});
        for (int i = 1; i < 100_000; i++) {
            pickle.writeBytes(new byte[] {'h', 0});
        }
        pickle.writeBytes(new byte[] {'e', ']', '('});
        pickle.writeBytes("K\1".repeat(50_000).getBytes(StandardCharsets.US_ASCII));
        pickle.writeBytes(new byte[] {'e', 't', '.'});
        Path file = Files.write(folder.resolve("text.bin"), pickle.toByteArray());
        assertThat(FacePairs.insightfaceBin(file).pairs()).hasSize(50_000);
    }
}
