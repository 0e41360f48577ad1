package org.facerecognition.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.facerecognition.inference.CalmNets.SIZE_PX;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.backbone.EncodersToTest;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Value;
import org.facerecognition.inference.CalmNets;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;

/** Exported ONNX files, loaded and run by ONNX Runtime. */
class OnnxFileTest {
    private static final int EMBEDDING = 24;
    private static final Map<String, String> METADATA = Map.of("colorOrder", "RGB", "author", "Łukasz");

    @TempDir
    Path folder;

    private OrtSession session(Path file) throws OrtException {
        var options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(2);
        return OrtEnvironment.getEnvironment().createSession(file.toString(), options);
    }

    private static Tensor run(OrtSession session, String name, OnnxTensor input) throws OrtException {
        try (input;
                OrtSession.Result result = session.run(Map.of(name, input))) {
            float[][] rows = (float[][]) result.get(0).getValue();
            FloatBuffer all = FloatBuffer.allocate(rows.length * EMBEDDING);
            for (float[] row : rows) {
                all.put(row);
            }
            return Tensor.create(all.array(), rows.length, EMBEDDING);
        }
    }

    private static OnnxTensor floats(Tensor images) throws OrtException {
        float[] values = new float[(int) images.numel()];
        images.contiguous().data_ptr_float().get(values);
        return OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), FloatBuffer.wrap(values), images.shape());
    }

    private static double difference(Tensor a, Tensor b) {
        return a.sub(b).abs().max().item_double() / b.abs().max().item_double();
    }

    @ParameterizedTest
    @EncodersToTest
    void onnxRuntimeComputesWhatTheNetworkComputes(Encoder encoder) throws OrtException {
        Path file = folder.resolve("net.onnx");
        try (Backbone net = CalmNets.make(encoder, EMBEDDING);
                Graph graph = net.graph();
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            OnnxFile.write(file, graph, SIZE_PX, EMBEDDING, METADATA);
            try (OrtSession session = session(file)) {
                for (int count : new int[] {1, 3}) { // any batch size
                    Tensor images = torch.randn(count, 3, SIZE_PX, SIZE_PX);
                    Tensor embeddings = run(session, "images", floats(images));
                    assertThat(difference(embeddings, net.forward(images))).isLessThan(1e-4);
                }
            }
        }
    }

    /** An earlier version wrote every kernel as a square and slopes of rows in the shape for images. */
    @Test
    void writesNonSquareKernelsAndSlopesOfRows() throws OrtException {
        Path file = folder.resolve("net.onnx");
        Libtorch.load();
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor weight = torch.randn(EMBEDDING, 3, 3, 5);
            Tensor slopes = torch.rand(EMBEDDING);
            Tensor images = torch.randn(2, 3, SIZE_PX, SIZE_PX);
            long[] ones = {1, 1};
            Tensor maps = torch.conv2d(images, weight, new TensorOptional(), ones, new long[2], ones, 1);
            Tensor means = torch.flatten(torch.adaptive_avg_pool2d(maps, 1, 1), 1, -1);
            try (Graph graph = Graph.of((g, x) -> {
                Value convolved = g.add(new Operation.Convolution(Constant.of(weight), null, 1, 0, 1), x);
                return g.add(new Operation.PRelu(Constant.of(slopes)), g.flatten(g.globalAveragePool(convolved)));
            })) {
                OnnxFile.write(file, graph, SIZE_PX, EMBEDDING, METADATA);
            }
            try (OrtSession session = session(file)) {
                assertThat(difference(run(session, "images", floats(images)), torch.prelu(means, slopes)))
                        .isLessThan(1e-4);
            }
        }
    }

    @Test
    void declaresItsInputAndRejectsOtherSizes() throws OrtException {
        Path file = folder.resolve("net.onnx");
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, EMBEDDING);
                Graph graph = net.graph();
                PointerScope scope = new PointerScope()) {
            OnnxFile.write(file, graph, SIZE_PX, EMBEDDING, METADATA);
            try (OrtSession session = session(file)) {
                assertThat(session.getMetadata().getCustomMetadata()).isEqualTo(METADATA);
                var input = (TensorInfo) session.getInputInfo().get("images").getInfo();
                assertThat(input.getShape()).containsExactly(-1, 3, SIZE_PX, SIZE_PX);
                var output =
                        (TensorInfo) session.getOutputInfo().get("embeddings").getInfo();
                assertThat(output.getShape()).containsExactly(-1, EMBEDDING);
                assertThatThrownBy(() -> run(session, "images", floats(torch.randn(1, 3, 64, 64))))
                        .isInstanceOf(OrtException.class)
                        .hasMessageContaining("Got invalid dimensions for input: images");
            }
        }
    }

    @Test
    void withNormalizationTakesPixelsAndReturnsUnitNormEmbeddings() throws OrtException {
        Path file = folder.resolve("normalizing.onnx");
        var normalize = new Operation.Normalize(List.of(100.0, 110.0, 120.0), List.of(50.0, 60.0, 70.0));
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, EMBEDDING);
                Graph plain = net.graph();
                Graph graph = plain.between(normalize, new Operation.L2Normalize());
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            OnnxFile.write(file, graph, SIZE_PX, EMBEDDING, METADATA);
            Tensor pixels =
                    torch.randint(0, 256, new long[] {2, 3, SIZE_PX, SIZE_PX}).to(ScalarType.Byte);
            Tensor mean = Tensor.create(new float[] {100, 110, 120}, 1, 3, 1, 1);
            Tensor std = Tensor.create(new float[] {50, 60, 70}, 1, 3, 1, 1);
            Tensor expected = torch.normalize(
                    net.forward(pixels.to(ScalarType.Float).sub(mean).div(std)));
            try (OrtSession session = session(file)) {
                byte[] bytes = new byte[(int) pixels.numel()];
                pixels.data_ptr_byte().get(bytes);
                OnnxTensor input = OnnxTensor.createTensor(
                        OrtEnvironment.getEnvironment(), ByteBuffer.wrap(bytes), pixels.shape(), OnnxJavaType.UINT8);
                Tensor embeddings = run(session, "pixels", input);
                assertThat(difference(embeddings, expected)).isLessThan(1e-4);
                assertThat(embeddings
                                .square()
                                .sum(1)
                                .sub(new Scalar(1.0))
                                .abs()
                                .max()
                                .item_double())
                        .isLessThan(1e-5);
                assertThatThrownBy(() -> run(session, "pixels", floats(torch.randn(1, 3, SIZE_PX, SIZE_PX))))
                        .isInstanceOf(OrtException.class)
                        .hasMessageContaining("Unexpected input data type");
            }
        }
    }

    @Test
    void reportsAFileThatCannotBeWritten() throws Exception {
        Path notAFolder = Files.createFile(folder.resolve("file"));
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, EMBEDDING);
                Graph graph = net.graph()) {
            assertThatThrownBy(() -> OnnxFile.write(notAFolder.resolve("x.onnx"), graph, SIZE_PX, EMBEDDING, METADATA))
                    .isInstanceOf(ExportException.class)
                    .hasMessageStartingWith("cannot write " + notAFolder.resolve("x.onnx"));
            Path earlier = Files.writeString(folder.resolve("earlier"), "x");
            OnnxFile.write(earlier, graph, SIZE_PX, EMBEDDING, METADATA); // replaces the file
            assertThat(Files.size(earlier)).isGreaterThan(1_000_000);
            assertThat(folder.toFile().list()).containsExactlyInAnyOrder("file", "earlier");
        }
    }
}
