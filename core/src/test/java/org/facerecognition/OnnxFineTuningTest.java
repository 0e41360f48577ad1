package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.SharedModuleVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.backbone.EncodersToTest;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ModelInput;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Split;
import org.facerecognition.eval.DatasetEmbedder;
import org.facerecognition.export.ExportFormat;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.onnx.InputContract;
import org.facerecognition.onnx.OnnxModel;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.Sgd;
import org.facerecognition.weights.NamedTensors;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Training that starts from an ONNX model or a TorchScript export begins as one that starts from the model's own
 * weights.
 */
class OnnxFineTuningTest {
    private static final int PEOPLE = 8;
    private static final int SIZE_PX = 48;

    /**
     * Images of a person. Running variances are unbiased and those of a batch are not, so the two losses differ by
     * 1/(2n) for each layer, n being the values of a channel; in layers of 2 x 2 pixels and 100 layers .4 % with 6
     * images of a person, .1 % with 12.
     */
    private static final int IMAGES = Boolean.getBoolean("tests.long") ? 12 : 6;

    @TempDir
    private Path folder;

    private static RecognizerArgs.Builder args(Encoder encoder) {
        return RecognizerArgs.builder()
                .encoder(encoder)
                .classes(PEOPLE)
                .embeddingSize(32)
                .imageSizePx(SIZE_PX)
                .dropout(0);
    }

    private static FaceDataset faces() {
        return FaceDataset.synthetic(
                new SyntheticFaces(1, SIZE_PX).identities(0, PEOPLE).images(0, IMAGES), Split.TRAIN);
    }

    /** Gives a network scales and shifts that are not the initial ones, and the statistics of the images. */
    private static void age(Recognizer recognizer, FaceDataset faces) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            torch.manual_seed(11);
            NamedTensors.of(recognizer.encoder()).forEach(OnnxFineTuningTest::scatter);
            ModelInput input = new ModelInput(recognizer.imageSizePx(), recognizer.normalization(), recognizer.crop());
            TensorVector images = new TensorVector();
            DatasetEmbedder.someImages(faces, input, 1000).forEach(images::push_back);
            momentum(recognizer.net(), 1);
            recognizer.net().train(true);
            recognizer.encoder().forward(torch.cat(images, 0));
            recognizer.net().eval();
            momentum(recognizer.net(), 0.1);
        }
    }

    private static void scatter(String name, Tensor tensor) {
        boolean scale = name.endsWith("weight") && tensor.dim() == 1 && tensor.requires_grad();
        if (scale && !name.contains("prelu")) {
            tensor.uniform_(0.6, 1.4, new GeneratorOptional());
        } else if (name.endsWith("bias")) {
            tensor.uniform_(-0.3, 0.3, new GeneratorOptional());
        }
    }

    private static void momentum(Module net, double momentum) {
        SharedModuleVector modules = net.modules(true);
        for (long i = 0; i < modules.size(); i++) {
            BatchNorm2dImpl images = modules.get(i).asBatchNorm2d();
            BatchNorm1dImpl rows = modules.get(i).asBatchNorm1d();
            if (images != null) {
                images.options().momentum().put(new DoubleOptional(momentum));
            } else if (rows != null) {
                rows.options().momentum().put(new DoubleOptional(momentum));
            }
        }
    }

    /** Returns the loss of the first step, with all images in the batch. */
    private static double firstLoss(RecognizerArgs args, FaceDataset faces, Consumer<Recognizer> start) {
        TinyTraining.Losses losses = new TinyTraining.Losses();
        try (Recognizer recognizer = Recognizer.arcFace(args)) {
            start.accept(recognizer);
            TrainerArgs once = TrainerArgs.builder()
                    .optimizer(new Sgd(0.01, 0.9, 0))
                    .batchSize(faces.size())
                    .epochs(1)
                    .maxSteps(1)
                    .seed(2)
                    .device(ComputeDevice.CPU)
                    .listeners(losses)
                    .build();
            new Trainer(once).fit(recognizer, faces);
        }
        return losses.all.get(0);
    }

    private static float[][] embeddings(Recognizer recognizer) {
        return recognizer.embed(faces(), false).embeddings();
    }

    private static void assertSame(float[][] a, float[][] b) {
        for (int i = 0; i < a.length; i++) {
            assertThat(a[i]).containsExactly(b[i], within(1e-3f));
        }
    }

    @ParameterizedTest
    @EncodersToTest
    void beginsAsFromTheWeightsThemselves(Encoder encoder) {
        boolean slow = encoder == Encoder.EFFICIENTNET_V2_M || encoder == Encoder.RESNET50;
        assumeTrue(
                !slow || Boolean.getBoolean("tests.long"),
                "takes 10 to 20 s; EFFICIENTNET_B0 and RESNET18 have most of its kinds of layers; run it with"
                        + " -Dtests.long=true");
        Path weights = folder.resolve("model.safetensors");
        Path onnx = folder.resolve("model.onnx");
        Path script = folder.resolve("model.torchscript.pt");
        try (Recognizer trained = Recognizer.arcFace(args(encoder).seed(4).build())) {
            RecognizerArgs args = args(encoder).seed(5).build();
            age(trained, faces());
            trained.export(weights, ExportFormat.SAFETENSORS, false);
            trained.export(onnx, ExportFormat.ONNX, true);
            trained.export(script, ExportFormat.TORCHSCRIPT, encoder.ordinal() % 2 == 0);
            double own = firstLoss(args, faces(), recognizer -> recognizer.startFrom(Weights.read(weights)));
            double imported = firstLoss(args, faces(), recognizer -> {
                try (OnnxModel model = OnnxModel.open(onnx)) {
                    assertThat(recognizer.startFrom(model, faces())).isGreaterThan(20);
                }
                assertThat(recognizer.origin().startedFrom()).isEqualTo("model.onnx");
                assertSame(embeddings(recognizer), embeddings(trained));
            });
            boolean dropsBlocks = encoder.id().startsWith("efficientnet"); // at random in training, and here in age too
            assertThat(imported).isCloseTo(own, withinPercentage(dropsBlocks ? 6 : 0.2));
            double fromScript = firstLoss(args, faces(), recognizer -> {
                Weights.Report report = recognizer.startFrom(Weights.read(script), faces());
                assertThat(report.loaded()).isGreaterThan(20);
                assertThat(recognizer.origin().startedFrom()).isEqualTo("model.torchscript.pt");
                assertSame(embeddings(recognizer), embeddings(trained));
            });
            assertThat(fromScript).isCloseTo(own, withinPercentage(dropsBlocks ? 6 : 0.2));
        }
    }

    @Test
    void namesWhatDiffersInATorchScriptExport() {
        Path script = folder.resolve("resnet18.pt");
        try (Recognizer trained = Recognizer.arcFace(args(Encoder.RESNET18).build());
                Recognizer same =
                        Recognizer.arcFace(args(Encoder.RESNET34).seed(3).build());
                Recognizer other =
                        Recognizer.arcFace(args(Encoder.RESNET34).seed(3).build());
                Recognizer longer = Recognizer.arcFace(
                        args(Encoder.RESNET18).embeddingSize(64).build());
                Recognizer otherPixels = Recognizer.arcFace(args(Encoder.RESNET18)
                        .normalization(Normalization.SYMMETRIC)
                        .build())) {
            for (boolean normalize : new boolean[] {false, true}) {
                trained.export(script, ExportFormat.TORCHSCRIPT, normalize);
                Weights weights = Weights.read(script);
                assertThat(weights.metadata()).containsEntry("architecture", "resnet18");
                assertThatThrownBy(() -> other.startFrom(weights, faces()))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(
                                script + " does not have the structure of the encoder (it was exported from resnet18):")
                        .hasMessageContaining("the encoder has a ");
                assertThatThrownBy(() -> longer.startFrom(weights, faces()))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageContaining(
                                "the encoder has a weight of the shape [64, 512] where the file has [32, 512]");
                assertThatThrownBy(() -> otherPixels.startFrom(weights, faces()))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(script + " must take pixels that are normalized as the encoder's");
            }
            assertSame(embeddings(other), embeddings(same));
        }
    }

    /** As a training that has diverged leaves them. */
    @ParameterizedTest
    @EnumSource(
            value = ExportFormat.class,
            names = {"ONNX", "TORCHSCRIPT"})
    void refusesWeightsThatAreNotFinite(ExportFormat format) {
        Path file = folder.resolve(format == ExportFormat.ONNX ? "diverged.onnx" : "diverged.pt");
        try (Recognizer trained = Recognizer.arcFace(args(Encoder.RESNET18).build());
                Recognizer same =
                        Recognizer.arcFace(args(Encoder.RESNET18).seed(3).build());
                Recognizer other =
                        Recognizer.arcFace(args(Encoder.RESNET18).seed(3).build());
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            NamedTensors.of(trained.encoder()).forEach((name, tensor) -> {
                if (name.equals("layer1.0.conv1.weight")) {
                    tensor.fill_(new Scalar(Double.NaN));
                }
            });
            trained.export(file, format, true);
            assertThatThrownBy(trained::prepare)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("a weight of the shape [64, 64, 3, 3] contains NaN or infinity");
            if (format == ExportFormat.ONNX) {
                assertThatThrownBy(() -> PreparedRecognizer.load(file))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(file + " cannot be used: a weight of the shape [64, 64, 3, 3]");
            }
            assertThatThrownBy(() -> {
                        if (format == ExportFormat.ONNX) {
                            try (OnnxModel model = OnnxModel.open(file)) {
                                other.startFrom(model, faces());
                            }
                        } else {
                            other.startFrom(Weights.read(file), faces());
                        }
                    })
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(file + " cannot give its weights to the encoder: a weight of the shape [64, 64, 3, 3]"
                            + " contains NaN or infinity; its training has diverged, so use an earlier file");
            assertSame(embeddings(other), embeddings(same));
        }
    }

    /** The published MobileFaceNet, as ONNX and as PyTorch weights. */
    @Test
    void beginsAsFromThePublishedWeights() {
        Path onnx = SharedFiles.orSkip("weights/mobilefacenet/MobileFaceNet.onnx");
        Path weights = SharedFiles.orSkip("weights/mobilefacenet/mobilefacenet.pt");
        FaceDataset faces = FaceDataset.synthetic(
                new SyntheticFaces(1, 112).identities(0, PEOPLE).images(0, 6), Split.TRAIN);
        Weights published = Weights.read(weights);
        Normalization normalization;
        try (Recognizer known = Recognizer.pretrained(Encoder.MOBILEFACENET, published)) {
            normalization = known.normalization();
        }
        RecognizerArgs args = RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .classes(PEOPLE)
                .embeddingSize(128)
                .normalization(normalization)
                .dropout(0)
                .build();
        double own = firstLoss(args, faces, recognizer -> recognizer.startFrom(published));
        InputContract input = InputContract.parse(normalization.mean().get(0) > 127 ? "insightface" : "imagenet");
        double imported = firstLoss(args, faces, recognizer -> {
            try (OnnxModel model = OnnxModel.open(onnx, input)) {
                recognizer.startFrom(model, faces);
            }
        });
        assertThat(imported).isCloseTo(own, withinPercentage(5));
    }

    @Test
    void namesWhatDiffersAndChangesNothing() {
        Path onnx = folder.resolve("resnet18.onnx");
        try (Recognizer trained = Recognizer.arcFace(args(Encoder.RESNET18).build());
                Recognizer same =
                        Recognizer.arcFace(args(Encoder.RESNET34).seed(3).build());
                Recognizer other =
                        Recognizer.arcFace(args(Encoder.RESNET34).seed(3).build())) {
            trained.export(onnx, ExportFormat.ONNX, true);
            try (OnnxModel model = OnnxModel.open(onnx)) {
                assertThatThrownBy(() -> other.startFrom(model, faces()))
                        .isInstanceOf(WeightsException.class)
                        .hasMessageStartingWith(onnx + " does not have the structure of the encoder: after ")
                        .hasMessageMatching("(?s).* the network has a convolution .* where the file has .*node .*");
            }
            try (OnnxModel model = OnnxModel.open(onnx, InputContract.parse("sface"))) {
                assertThatThrownBy(() -> other.startFrom(model, faces())).isInstanceOf(WeightsException.class);
            }
            assertSame(embeddings(other), embeddings(same));
        }
    }

    /** Its weights are read by their places in the file, which are those of another file's weights then. */
    @Test
    void changesNothingWhenTheFileIsReplacedMeanwhile() throws IOException {
        Path onnx = folder.resolve("replaced.onnx");
        try (Recognizer first = Recognizer.arcFace(args(Encoder.RESNET18).build());
                Recognizer same =
                        Recognizer.arcFace(args(Encoder.RESNET18).seed(3).build());
                Recognizer other =
                        Recognizer.arcFace(args(Encoder.RESNET18).seed(3).build())) {
            first.export(onnx, ExportFormat.ONNX, true);
            try (OnnxModel model = OnnxModel.open(onnx)) {
                same.export(onnx, ExportFormat.ONNX, true);
                assertThatThrownBy(() -> other.startFrom(model, faces()))
                        .isInstanceOf(WeightsException.class)
                        .hasMessage(onnx + " was changed or replaced after it had been opened; open it again");
            }
            assertSame(embeddings(other), embeddings(same));
        }
    }

    @Test
    void changesNothingWhenNoImageCanBeRead() throws IOException {
        Path onnx = folder.resolve("resnet18.onnx");
        try (Recognizer trained = Recognizer.arcFace(args(Encoder.RESNET18).build());
                Recognizer same =
                        Recognizer.arcFace(args(Encoder.RESNET18).seed(3).build());
                Recognizer other =
                        Recognizer.arcFace(args(Encoder.RESNET18).seed(3).build())) {
            trained.export(onnx, ExportFormat.ONNX, true);
            Path person = Files.createDirectories(folder.resolve("faces/person"));
            Files.write(person.resolve("damaged.png"), new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0});
            FaceDataset gone = FaceDataset.folders(person.getParent(), Split.TRAIN, 0, 0, 1);
            try (OnnxModel model = OnnxModel.open(onnx)) {
                assertThatThrownBy(() -> other.startFrom(model, gone)).isInstanceOf(DataException.class);
            }
            assertSame(embeddings(other), embeddings(same));
        }
    }
}
