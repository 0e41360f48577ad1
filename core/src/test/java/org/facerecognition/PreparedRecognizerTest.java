package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.export.ExportException;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.inference.MicroBatcher;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.Weights;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests prepared recognizers and exports against the recognizer that they come from. */
@Timeout(120)
class PreparedRecognizerTest {
    private static final int SIZE_PX = 32;
    private static final PrepareOptions FP32 = PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32);

    private static Recognizer recognizer;
    private static final List<Mat> FACES = new ArrayList<>();

    @BeforeAll
    static void createRecognizerAndFaces() {
        recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .classes(3)
                .imageSizePx(SIZE_PX)
                .build());
        for (int i = 0; i < 8; i++) {
            FACES.add(new SyntheticFaces(1, 48).image(i, 0));
        }
    }

    @AfterAll
    static void closeAll() {
        recognizer.close();
        FACES.forEach(Mat::close);
    }

    private static void assertClose(float[] a, float[] b) {
        assertThat(a).hasSameSizeAs(b);
        for (int i = 0; i < a.length; i++) {
            assertThat(a[i]).isCloseTo(b[i], within(1e-4f)); // absolute, on L2-normalized embeddings
        }
    }

    @Test
    void findingFacesRequiresADetector() {
        try (PreparedRecognizer prepared = recognizer.prepare(FP32)) {
            assertThatThrownBy(() -> prepared.faces(ImageSource.of(FACES.get(0))))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("a detector must be set");
        }
    }

    @Test
    void embedsLikeTheRecognizer() {
        try (PreparedRecognizer prepared = recognizer.prepare(FP32)) {
            for (Mat face : FACES) {
                assertClose(prepared.embed(face), recognizer.embed(face));
            }
            assertThat(prepared.embeddingSize()).isEqualTo(16);
            assertThat(prepared.toString()).endsWith("prepared: float32, as asked");
        }
    }

    @Test
    void embedsMoreFilesThanABatch(@TempDir Path folder) {
        TinyTraining.writeFaces(folder);
        List<Path> files = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            files.add(folder.resolve("person" + i % 2 + "/" + i + ".png"));
        }
        try (PreparedRecognizer prepared = recognizer.prepare(FP32.withBatchSize(2))) {
            List<float[]> together = prepared.embed(files);
            List<float[]> expected = recognizer.embed(files);
            for (int i = 0; i < files.size(); i++) {
                assertClose(together.get(i), expected.get(i));
                assertThat(prepared.embed(files.get(i))).isEqualTo(together.get(i));
            }
            assertThat(prepared.embed(List.<Path>of())).isEmpty();
        }
    }

    /** The long version of this test is {@code benchmarks.jar soak}. */
    @Test
    void threadsGetTheSameBitsAndLeakNothing() throws Exception {
        try (PreparedRecognizer prepared = recognizer.prepare(FP32)) {
            List<float[]> singleThreaded = FACES.stream().map(prepared::embed).toList();
            prepared.embedAll(Collections.nCopies(31, ImageSource.of(FACES.get(0)))); // one workspace for each size
            long growth = Long.MAX_VALUE;
            // beside other programs further callers get a workspace, once; a leak would grow in every round
            for (int round = 0; round < 10 && growth >= 20; round++) {
                long before = Pointer.totalCount();
                assertThat(embedFromThreads(prepared, singleThreaded, 16, 40)).isEmpty();
                growth = Pointer.totalCount() - before;
            }
            assertThat(growth).isLessThan(20);
        }
    }

    private static List<Throwable> embedFromThreads(
            PreparedRecognizer prepared, List<float[]> expected, int threads, int perThread)
            throws InterruptedException {
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        try (FaceBatcher batcher = prepared.batcher(new MicroBatcher.Settings(16, Duration.ofMillis(1), 32))) {
            List<Thread> started = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int first = t;
                Thread thread = new Thread(() -> {
                    try {
                        for (int i = 0; i < perThread; i++) {
                            int face = (first + i) % FACES.size();
                            assertThat(batcher.embed(FACES.get(face)).get()).isEqualTo(expected.get(face));
                        }
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                });
                thread.start();
                started.add(thread);
            }
            for (Thread thread : started) {
                thread.join();
            }
        }
        return failures;
    }

    @Test
    void closedBatcherAndClosedRecognizerRejectUse() throws Exception {
        PreparedRecognizer prepared = recognizer.prepare(FP32);
        FaceBatcher batcher = prepared.batcher();
        CompletableFuture<float[]> last = batcher.embed(FACES.get(0));
        batcher.close();
        assertThat(last.getNow(null)).isEqualTo(prepared.embed(FACES.get(0)));
        assertThatThrownBy(() -> batcher.embed(FACES.get(0))).isInstanceOf(RejectedExecutionException.class);
        prepared.close();
        prepared.close(); // has no effect
        assertThatThrownBy(() -> prepared.embed(FACES.get(0)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("this prepared recognizer is closed");
    }

    /** An activation made finite values of them, and so an embedding of nothing. */
    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void refusesATensorThatIsNotFinite(float value) {
        try (PreparedRecognizer prepared = recognizer.prepare(FP32);
                PointerScope scope = new PointerScope()) {
            Tensor images = torch.rand(2, 3, SIZE_PX, SIZE_PX);
            images.narrow(2, 7, 1).narrow(3, 9, 1).fill_(new Scalar(value));
            List<Function<Tensor, Tensor>> ways = List.of(prepared::embed, recognizer::embed);
            for (Function<Tensor, Tensor> embed : ways) {
                assertThatThrownBy(() -> embed.apply(images))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("images must be finite, but a value was NaN or infinite");
            }
            Tensor large = torch.full(new long[] {2, 3, SIZE_PX, SIZE_PX}, new Scalar(3e38f)); // whose sum is infinite
            assertThat(prepared.embed(large).size(0)).isEqualTo(2);
        }
    }

    @Test
    @Timeout(120)
    void canBeClosedWhileOtherThreadsUseIt() throws Exception {
        Races.closedWhileUsed(
                5,
                () -> recognizer.prepare(FP32),
                prepared -> prepared.embed(FACES.get(0)),
                "this prepared recognizer is closed");
        try (PreparedRecognizer prepared = recognizer.prepare(FP32)) {
            Races.closedWhileUsed(
                    10,
                    prepared::batcher,
                    batcher -> batcher.embed(FACES.get(0)).get(30, TimeUnit.SECONDS),
                    "face batcher is closed");
        }
    }

    @Test
    void halfPrecisionIsCloseOrRejectedWithTheMeasuredCosine() {
        PrepareOptions half = PrepareOptions.DEFAULT
                .withArithmetic(Arithmetic.HALF)
                .withBatchSize(2); // small, because processors without bfloat16 instructions are slow
        try (PreparedRecognizer prepared = recognizer.prepare(half)) {
            assertThat(prepared.arithmetic()).startsWith("bfloat16: ").contains("minimum cosine to float32 0.999");
            double cosine = Recognizer.similarity(prepared.embed(FACES.get(0)), recognizer.embed(FACES.get(0)));
            assertThat(cosine).isGreaterThan(0.999).isLessThan(1.0); // different arithmetic
        }
        PrepareOptions strict = new PrepareOptions(Arithmetic.HALF, 2, Math.nextDown(1.0));
        assertThatThrownBy(() -> recognizer.prepare(strict))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("embeddings in bfloat16 must have a cosine of at least " + Math.nextDown(1.0)
                        + " to those in float32, but had 0.999")
                .hasMessageEndingWith("prepare with arithmetic FP32");
    }

    @Test
    void measuresTheArithmeticByDefaultAndReportsTheResult() {
        try (PreparedRecognizer prepared = recognizer.prepare()) {
            assertThat(prepared.arithmetic())
                    .matches("(float32|bfloat16): .*bfloat16 \\d+\\.\\d\\d times as fast.*"
                            + "|float32: this processor has no instructions for bfloat16");
            double cosine = Recognizer.similarity(prepared.embed(FACES.get(0)), recognizer.embed(FACES.get(0)));
            assertThat(cosine).isGreaterThan(0.999);
        }
    }

    @Test
    void rejectsBackbonesThatDoNotDescribeThemselves(@TempDir Path folder) {
        try (Recognizer custom =
                Recognizer.of(new TinyBackbone(8), new MarginSoftmax(2, 8, new ArcFaceMargin(8, 0.1)))) {
            assertThatThrownBy(custom::prepare)
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessage("a net to be prepared or exported must override describe, but TinyBackbone does not");
            assertThatThrownBy(() -> custom.export(folder.resolve("x"), ExportFormat.ONNX, false))
                    .isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @Test
    void rejectsInvalidOptions() {
        assertThatThrownBy(() -> FP32.withBatchSize(0)).hasMessage("batchSize must be at least 1, but was 0");
        assertThatThrownBy(() -> new PrepareOptions(Arithmetic.AUTO, 1, Double.NaN))
                .hasMessage("minCosine must be in (0, 1), but was NaN");
    }

    @Test
    void onnxExportWithNormalizationEmbedsLikeTheRecognizer(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("normalizing.onnx");
        recognizer.export(file, ExportFormat.ONNX, true);
        try (OrtSession session = OrtEnvironment.getEnvironment().createSession(file.toString());
                Mat face = new SyntheticFaces(1, SIZE_PX).image(0, 0)) {
            Map<String, String> metadata = session.getMetadata().getCustomMetadata();
            assertThat(metadata)
                    .containsEntry("imageSizePx", "32")
                    .containsEntry("colorOrder", "RGB")
                    .containsEntry("embeddingSize", "16")
                    .containsEntry("architecture", "mobilefacenet")
                    .containsEntry("crop", "WHOLE")
                    .containsEntry("input", "[B, 3, 32, 32], uint8, pixels 0..255")
                    .containsKeys("normalization", "license");
            byte[] interleaved = new byte[3 * SIZE_PX * SIZE_PX];
            face.data().get(interleaved);
            byte[] planes = new byte[interleaved.length];
            for (int i = 0; i < planes.length; i++) {
                planes[i % 3 * SIZE_PX * SIZE_PX + i / 3] = interleaved[i];
            }
            try (OnnxTensor pixels = OnnxTensor.createTensor(
                            OrtEnvironment.getEnvironment(),
                            ByteBuffer.wrap(planes),
                            new long[] {1, 3, SIZE_PX, SIZE_PX},
                            OnnxJavaType.UINT8);
                    OrtSession.Result result = session.run(Map.of("pixels", pixels))) {
                float[] embedding = ((float[][]) result.get(0).getValue())[0];
                assertClose(embedding, recognizer.embed(face));
            }
        }
    }

    /** That of safetensors was of the kind for weights that cannot be read. */
    @ParameterizedTest
    @EnumSource
    void anExportThatCannotBeWrittenIsOfOneKind(ExportFormat format, @TempDir Path folder) throws IOException {
        Path file = Files.createFile(folder.resolve("file")).resolve("x");
        assertThatThrownBy(() -> recognizer.export(file, format, false))
                .isInstanceOf(ExportException.class)
                .hasMessageStartingWith("cannot write " + file + ": ")
                .hasMessageEndingWith("free some space or choose another folder");
    }

    @Test
    void safetensorsExportHoldsOnlyTheEncodersWeights(@TempDir Path folder) {
        Path file = folder.resolve("weights.safetensors");
        recognizer.export(file, ExportFormat.SAFETENSORS, false);
        SafeTensors written = SafeTensors.open(file);
        assertThat(written.names()).contains("conv3.weight", "bn.running_mean").noneMatch(n -> n.contains("head"));
        assertThat(written.metadata()).containsEntry("format", "face-recognition export 1");
        try (Recognizer other = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(16)
                .classes(1)
                .imageSizePx(SIZE_PX)
                .seed(5)
                .build())) {
            other.startFrom(Weights.read(file));
            assertThat(other.embed(FACES.get(0))).isEqualTo(recognizer.embed(FACES.get(0)));
        }
        assertThatThrownBy(() -> recognizer.export(file, ExportFormat.SAFETENSORS, true))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("a safetensors file must be without normalization");
    }
}
