package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Split;
import org.facerecognition.eval.Embedded;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryException;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.LinearSoftmax;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests recognizers: embeddings, model files, pretrained weights, calibration and invalid arguments. */
class RecognizerTest {
    @TempDir
    static Path faces;

    static Path firstFace;
    static Path secondFace;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeFaces() {
        TinyTraining.writeFaces(faces);
        firstFace = faces.resolve("person0/0.png");
        secondFace = faces.resolve("person1/0.png");
    }

    private static RecognizerArgs.Builder args() {
        return RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(32)
                .classes(5)
                .imageSizePx(32);
    }

    @Test
    void embeddingsAreUnitNormAndOfTheConfiguredSize() {
        try (Recognizer recognizer = Recognizer.arcFace(args().build())) {
            float[] embedding = recognizer.embed(firstFace);

            assertThat(embedding).hasSize(32);
            assertThat(Recognizer.similarity(embedding, embedding)).isCloseTo(1, within(1e-12));
            double squares = IntStream.range(0, 32)
                    .mapToDouble(i -> embedding[i] * (double) embedding[i])
                    .sum();
            assertThat(squares).isCloseTo(1, within(1e-5));
        }
    }

    @Test
    void everyImageTypeGivesTheSameEmbedding() throws IOException {
        try (Recognizer recognizer = Recognizer.arcFace(args().build());
                Mat mat = ImageReader.read(firstFace)) {
            float[] embedding = recognizer.embed(firstFace);

            assertThat(recognizer.embed(mat)).isEqualTo(embedding);
            assertThat(recognizer.embed(ImageIO.read(firstFace.toFile()))).isEqualTo(embedding);
            List<float[]> both = recognizer.embed(List.of(secondFace, firstFace));
            assertThat(Recognizer.similarity(both.get(1), embedding)).isCloseTo(1, within(1e-6));
            assertThat(both.get(0)).isNotEqualTo(both.get(1));
            assertThat(recognizer.embed(List.of())).isEmpty();
        }
    }

    /** For many faces, the network is prepared first. */
    @Test
    void manyFacesAreEmbeddedLikeFew() {
        SyntheticFaces synthetic = new SyntheticFaces(0, 40);
        try (Recognizer recognizer = Recognizer.arcFace(args().build())) {
            Embedded few = recognizer.embed(FaceDataset.synthetic(synthetic.identities(0, 20), Split.TEST), true);
            Embedded many = recognizer.embed(FaceDataset.synthetic(synthetic.identities(0, 520), Split.TEST), true);
            assertThat(many.embeddings()).hasNumberOfRows(520);
            for (int i = 0; i < 20; i++) {
                assertThat(Recognizer.similarity(many.embeddings()[i], few.embeddings()[i]))
                        .isCloseTo(1, within(1e-6));
            }
            assertThat(Recognizer.similarity(many.embeddings()[0], many.embeddings()[519]))
                    .isLessThan(1 - 1e-6);
        }
    }

    @Test
    void loadedModelGivesTheSameEmbeddings() {
        Path file = folder.resolve("some.model");
        float[] saved;
        RecognizerArgs args = args().s(7).m(0.2).embeddingSizes(List.of(48, 32)).build();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            TinyTraining.fit(recognizer, faces, TinyTraining.args().maxSteps(2));
            saved = recognizer.embed(firstFace);
            recognizer.save(file);
        }
        try (Recognizer recognizer = Recognizer.load(file)) {
            assertThat(recognizer.embed(firstFace)).isEqualTo(saved);
            assertThat(recognizer.identities()).hasSize(5).contains("person3");
            assertThat(((MarginSoftmax) recognizer.head()).margin()).isEqualTo(new ArcFaceMargin(7, 0.2));
            assertThat(recognizer.embeddingSize()).isEqualTo(32);
        }
    }

    @Test
    void savesAndLoadsCrossEntropy() {
        Path file = folder.resolve("some.model");
        try (Recognizer recognizer = Recognizer.crossEntropy(args().build())) {
            recognizer.save(file);
        }
        try (Recognizer recognizer = Recognizer.load(file)) {
            assertThat(recognizer.head()).isInstanceOf(LinearSoftmax.class);
        }
    }

    /** Its own export was refused, since ResNets have 1,000 outputs at their origin. */
    @Test
    void pretrainedWeightsSayHowLongEmbeddingsAre() {
        Path file = folder.resolve("exported.safetensors");
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(24)
                .classes(2)
                .imageSizePx(32)
                .build();
        try (Recognizer original = Recognizer.arcFace(args);
                Mat face = SquareFaces.photo(32, 32, 1)) {
            original.export(file, ExportFormat.SAFETENSORS, false);
            try (Recognizer read = Recognizer.pretrained(Encoder.RESNET18, Weights.read(file))) {
                assertThat(read.embed(face)).hasSize(24).isEqualTo(original.embed(face));
            }
        }
    }

    /** A custom network whose result is cut. */
    private static final class CutBackbone extends AroundTinyBackbone {
        private final UnaryOperator<Tensor> cut;

        CutBackbone(UnaryOperator<Tensor> cut) {
            super("CutBackbone");
            this.cut = cut;
        }

        @Override
        public Tensor forward(Tensor images) {
            return cut.apply(net.forward(images));
        }
    }

    /** Embeddings of another length were returned, and fewer of them than there were images. */
    @Test
    void aCustomBackboneMustReturnOneEmbeddingPerImage() {
        Map<UnaryOperator<Tensor>, String> cuts = Map.of(
                (UnaryOperator<Tensor>) rows -> rows.narrow(1, 0, 12),
                "[2, 12]",
                rows -> rows.narrow(0, 0, 1),
                "[1, 16]");
        cuts.forEach((cut, returned) -> {
            try (Recognizer recognizer = Recognizer.of(
                            new CutBackbone(cut), head(5, 16), TinyTraining.IMAGE_PX, Normalization.SYMMETRIC);
                    Mat face = SquareFaces.photo(TinyTraining.IMAGE_PX, TinyTraining.IMAGE_PX, 1)) {
                ImageSource image = ImageSource.of(face);
                assertThatThrownBy(() -> recognizer.embedAll(List.of(image, image)))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("the backbone must return embeddings [2, 16] for images [2, 3, "
                                + TinyTraining.IMAGE_PX + ", " + TinyTraining.IMAGE_PX + "], but returned " + returned);
            }
        });
    }

    @Test
    void customPartsAreLoadedIntoCustomParts() {
        Path file = folder.resolve("own.model");
        float[] saved;
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            saved = recognizer.embed(firstFace);
            recognizer.save(file);
        }
        try (Recognizer recognizer = Recognizer.load(file, new TinyBackbone(16), head(5, 16))) {
            assertThat(recognizer.embed(firstFace)).isEqualTo(saved);
        }
        assertThatThrownBy(() -> Recognizer.load(file))
                .isInstanceOf(WeightsException.class)
                .hasMessage("a model of custom parts must be loaded with those parts:"
                        + " Recognizer.load(file, encoder, head)");
    }

    @Test
    void reportsWeightsOfOtherShapesByNameAndShape() {
        Path file = folder.resolve("own.model");
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            recognizer.save(file);
        }
        assertThatThrownBy(() -> Recognizer.load(file, new TinyBackbone(8), head(5, 8)))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("encoder.fc.weight")
                .hasMessageContaining("[8, 128]")
                .hasMessageContaining("[16, 128]");
    }

    private Path imagesOf(String... names) throws IOException {
        Path root = Files.createTempDirectory(folder, "people");
        for (String name : names) {
            Files.write(Files.createDirectories(root.resolve(name)).resolve("1.png"), new byte[] {1});
        }
        return root;
    }

    @Test
    void encoderWeightsMustMatchUnlessTheLastLayerIsReplaced() throws IOException {
        Path file = folder.resolve("some.model");
        float[] saved;
        try (Recognizer recognizer = Recognizer.arcFace(
                args().encoder(Encoder.MOBILEFACENET).embeddingSize(128).build())) {
            saved = recognizer.embed(firstFace);
            recognizer.save(file);
        }
        RecognizerArgs other =
                args().encoder(Encoder.MOBILEFACENET).embeddingSize(128).seed(9).build();
        try (Recognizer recognizer = Recognizer.arcFace(other)) {
            assertThat(recognizer.embed(firstFace)).isNotEqualTo(saved);
            recognizer.startFrom(Weights.read(file));
            assertThat(recognizer.embed(firstFace)).isEqualTo(saved);
        }
        try (Recognizer longer = Recognizer.arcFace(
                args().encoder(Encoder.MOBILEFACENET).embeddingSize(24).build())) {
            Weights.Report report = longer.startFrom(Weights.read(file));
            assertThat(report.misshapen()).hasSize(2 + 4).allMatch(name -> name.matches("(conv3|bn)\\..*"));
            assertThat(longer.origin().startedFrom())
                    .isEqualTo(file.getFileName().toString());
            longer.setLicense("internal use only");
            longer.startFrom(Weights.read(file)); // which states no license
            assertThat(longer.origin().license()).isEqualTo("internal use only");
        }
        try (Recognizer trained = Recognizer.load(file);
                Recognizer next = Recognizer.arcFace(
                        args().encoder(Encoder.MOBILEFACENET).embeddingSize(128).build())) {
            trained.model().trainedOn(Crop.CELEBA_CROP, List.of("Ada"));
            trained.save(file);
            next.model().trainedOn(Crop.WHOLE, List.of("Bo"));
            next.startFrom(Weights.read(file));
            assertThat(next.crop()).as("earlier, whole images were embedded").isEqualTo(Crop.CELEBA_CROP);
            assertThat(next.identities())
                    .as("of the head, whose centers are of other weights")
                    .isEmpty();
            assertThat(next.knownPeople(FaceDataset.folders(imagesOf("Ada", "Bo", "Cy"), Split.TRAIN, 0, 0, 1)))
                    .containsExactly("Ada", "Bo");
            assertThat(next.knownPeople()).containsExactlyInAnyOrder("Ada", "Bo");
        }
        Weights headless = Weights.read(file).renamed(name -> name.contains("conv3") ? null : name);
        assertThatThrownBy(() -> Recognizer.pretrained(Encoder.MOBILEFACENET, headless))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("conv3.weight");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void weightsOfThisLibraryKeepTheirInput(boolean exported) {
        Path file = folder.resolve("input" + exported);
        Normalization other = new Normalization(List.of(1.0, 2.0, 3.0), List.of(100.0, 101.0, 102.0));
        float[] saved;
        try (Recognizer recognizer = Recognizer.arcFace(args().encoder(Encoder.MOBILEFACENET)
                .embeddingSize(128)
                .normalization(other)
                .imageSizePx(96)
                .build())) {
            recognizer.model().trainedOn(Crop.CELEBA_CROPPED, List.of("Ada"));
            saved = recognizer.embed(studyCrop());
            if (exported) {
                recognizer.export(file, ExportFormat.SAFETENSORS, false);
            } else {
                recognizer.save(file);
            }
        }
        try (Recognizer pretrained = Recognizer.pretrained(Encoder.MOBILEFACENET, Weights.read(file))) {
            assertThat(pretrained.normalization()).isEqualTo(other);
            assertThat(pretrained.imageSizePx()).isEqualTo(96);
            assertThat(pretrained.crop()).isEqualTo(Crop.CELEBA_CROPPED);
            assertThat(pretrained.embed(studyCrop())).isEqualTo(saved);
        }
        try (Recognizer another = Recognizer.arcFace(
                args().encoder(Encoder.MOBILEFACENET).embeddingSize(128).build())) {
            assertThatThrownBy(() -> another.startFrom(Weights.read(file)))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageStartingWith(file + " must take pixels that are normalized as the encoder's, ")
                    .hasMessageEndingWith("; make the encoder with this normalization");
        }
    }

    private static ImageSource studyCrop() {
        try (Mat face = new SyntheticFaces(1, 100).image(0, 0);
                Rect part = new Rect(0, 0, 83, 100);
                Mat crop = new Mat(face, part)) {
            return ImageSource.of(crop.clone());
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void moreCentersThanMemoryAreRefusedInASentence() throws IOException {
        assumeThat(Files.readString(Path.of("/proc/sys/vm/overcommit_memory")).strip())
                .as("memory is not promised without end")
                .isNotEqualTo("1");
        assertThatThrownBy(() -> Recognizer.arcFace(
                        args().classes(2_000_000_000).embeddingSize(512).build()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("there is too little memory for a tensor of 3,906,250 MiB");
    }

    @Test
    void savesThresholdsAndOrigin() {
        Path file = folder.resolve("calibrated.model");
        FaceDataset unseen = FaceDataset.synthetic(new SyntheticFaces(0, 40).identities(0, 80), Split.TEST);
        Map<Double, Double> thresholds;
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            assertThat(recognizer.thresholds()).isEmpty();
            thresholds = recognizer.calibrate(unseen, false);
            recognizer.setLicense("CC0");
            recognizer.save(file);
        }
        assertThat(thresholds).containsOnlyKeys(0.001, 0.01); // the rates that 80 people suffice for
        assertThat(thresholds.get(0.001))
                .isGreaterThanOrEqualTo(thresholds.get(0.01))
                .isBetween(-1.0, 1.0);
        try (Recognizer recognizer = Recognizer.load(file, new TinyBackbone(16), head(5, 16))) {
            assertThat(recognizer.thresholds()).isEqualTo(thresholds);
            assertThat(recognizer.origin().license()).isEqualTo("CC0");
        }
    }

    @Test
    void rejectsTensorsOfAnotherSize() {
        try (Recognizer recognizer = TinyTraining.recognizer();
                PointerScope scope = new PointerScope()) {
            Tensor wrong = torch.zeros(2, 3, TinyTraining.IMAGE_PX, TinyTraining.IMAGE_PX + 1);
            assertThatThrownBy(() -> recognizer.embed(wrong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("images must be [B, 3, 40, 40], but were [2, 3, 40, 41]");
            assertThat(recognizer.embed(torch.zeros(2, 3, 40, 40)).size(1)).isEqualTo(16);
        }
    }

    @Test
    void reportsATruncatedModelByName() throws IOException {
        Path file = folder.resolve("cut.model");
        try (Recognizer recognizer = TinyTraining.recognizer()) {
            recognizer.save(file);
        }
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));

        assertThatThrownBy(() -> Recognizer.load(file, new TinyBackbone(16), head(5, 16)))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining(file.toString());
    }

    @Test
    void severalThreadsMayEmbedAtOnce() throws Exception {
        try (Recognizer recognizer = Recognizer.arcFace(args().build())) {
            float[] expected = recognizer.embed(firstFace);
            ExecutorService threads = Executors.newFixedThreadPool(4);
            try {
                Callable<float[]> task = () -> recognizer.embed(firstFace);
                for (Future<float[]> result : threads.invokeAll(Collections.nCopies(40, task))) {
                    assertThat(result.get()).isEqualTo(expected);
                }
            } finally {
                threads.shutdownNow();
            }
        }
    }

    @Test
    void closingFreesAllNativeObjects() {
        for (int i = 0; i < 3; i++) {
            firstEmbedding(i); // creates what is cached for the life of the process
        }
        long before = Pointer.totalCount();
        for (int i = 0; i < 5; i++) {
            firstEmbedding(i);
        }
        assertThat(Pointer.totalCount() - before).isLessThan(5);
    }

    @Test
    void weightsDependOnTheSeed() {
        assertThat(firstEmbedding(1)).isEqualTo(firstEmbedding(1)).isNotEqualTo(firstEmbedding(2));
    }

    private static float[] firstEmbedding(long seed) {
        try (Recognizer recognizer = Recognizer.arcFace(args().seed(seed).build())) {
            return recognizer.embed(firstFace);
        }
    }

    @Test
    void similarityIsTheCosine() {
        assertThat(Recognizer.similarity(new float[] {1, 0}, new float[] {0, 3}))
                .isZero();
        assertThat(Recognizer.similarity(new float[] {1, 2}, new float[] {-2, -4}))
                .isCloseTo(-1, within(1e-15));
        assertThat(Recognizer.similarity(new float[] {1e-30f, 0}, new float[] {1e30f, 1e30f}))
                .isCloseTo(Math.sqrt(0.5), within(1e-12));
        assertThatThrownBy(() -> Recognizer.similarity(new float[2], new float[] {1, 1}))
                .hasMessage("embeddings must not be zero, infinite or NaN, but one was");
        assertThatThrownBy(() -> Recognizer.similarity(new float[] {Float.NaN, 1}, new float[] {1, 1}))
                .hasMessage("embeddings must not be zero, infinite or NaN, but one was");
        assertThatThrownBy(() -> Recognizer.similarity(new float[] {Float.POSITIVE_INFINITY, 1}, new float[] {1, 1}))
                .hasMessage("embeddings must not be zero, infinite or NaN, but one was");
        assertThatThrownBy(() -> Recognizer.similarity(new float[3], new float[2]))
                .hasMessage("embeddings must be of one length, but were of 3 and 2");
    }

    @Test
    void rejectsInvalidArguments() {
        assertThatThrownBy(() -> Recognizer.arcFace(args().m(28.6).build()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "m must be in [0, pi) radians, but was 28.6 (in degrees? then pass" + " Math.toRadians(28.6))");
        assertThatThrownBy(() -> args().classes(0).build()).hasMessage("classes must be at least 1, but was 0");
        assertThatThrownBy(() -> Recognizer.arcFace(
                        args().encoderLastLayerName("classifier").build()))
                .hasMessageContaining("classifier")
                .hasMessageContaining("fc");
        assertThatThrownBy(() -> Recognizer.of(new TinyBackbone(16), head(5, 8)))
                .hasMessage("head must take embeddings of 16 like the backbone's, but takes 8");
    }

    @Test
    void convertsGrayAndTranslucentImagesToRgb() {
        BufferedImage gray = new BufferedImage(32, 32, BufferedImage.TYPE_BYTE_GRAY);
        BufferedImage translucent = new BufferedImage(32, 32, BufferedImage.TYPE_INT_ARGB);
        for (int i = 0; i < 32 * 32; i++) {
            gray.getRaster().setSample(i % 32, i / 32, 0, i % 256);
            translucent.setRGB(i % 32, i / 32, 0xff000000 | (i % 256) * 0x10101);
        }
        try (Recognizer recognizer = Recognizer.arcFace(args().build())) {
            assertThat(recognizer.embed(gray)).isEqualTo(recognizer.embed(translucent));
        }
    }

    private static MarginSoftmax head(int classes, int embeddingSize) {
        return new MarginSoftmax(classes, embeddingSize, new ArcFaceMargin(10, 0.1));
    }

    /** Java programs used to mix embeddings of two modes, because only the commands bound a gallery to one. */
    @Test
    void aGalleryIsBoundToTheModeThatItWasOpenedIn() {
        Path file = folder.resolve("people.gallery");
        try (Recognizer recognizer = Recognizer.arcFace(args().build())) {
            try (Gallery gallery = recognizer.openGallery(file)) {
                gallery.enroll("person0", recognizer.embed(firstFace));
                assertThat(gallery.embeddingMode())
                        .hasValue(recognizer.embeddingMode().toString());
            }
            recognizer.useFlip(true);
            for (int i = 0; i < 2; i++) { // the lock is released
                assertThatThrownBy(() -> recognizer.openGallery(file))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining("mirror image");
            }
            recognizer.useFlip(false);
            try (Gallery gallery = recognizer.openGallery(file)) {
                assertThat(gallery.size()).isEqualTo(1);
            }
        }
    }
}
