package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Weights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests that the same pixels have bitwise equal embeddings through every entry point of the API. */
class EmbeddingPathTest {
    @TempDir
    Path folder;

    @Test
    void syntheticFacesHaveEqualEmbeddingsThroughEveryEntryPoint() throws Exception {
        SyntheticFaces faces = new SyntheticFaces(0, 300); // over twice the input size, so decoders may downscale
        List<Path> files = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Path file = Files.createDirectories(folder.resolve(String.format("person%02d", i)))
                    .resolve("1.jpg");
            try (Mat face = faces.image(i, 0)) {
                Files.write(file, jpeg(face));
            }
            files.add(file);
        }
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.MOBILEFACENET)
                .embeddingSize(128)
                .classes(2)
                .build())) {
            assertAllEntryPointsAgree(recognizer, files, FaceDataset.folders(folder, Split.TRAIN));
        }
    }

    /** What was made of the former network embedded on, in the former length. */
    @Test
    void changedNetworksEmbedWithWhatTheyAreNow() {
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                        .encoder(Encoder.IRESNET18)
                        .embeddingSize(32)
                        .classes(2)
                        .build());
                Mat face = new SyntheticFaces(0, 112).image(0, 0);
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            ImageSource image = ImageSource.of(face);
            float[] before = recognizer.embed(image);
            Tensor weight = recognizer.encoder().named_parameters().get("fc.weight");
            weight.set_data(weight.mul(new Scalar(-1.0)));
            float[] changed = recognizer.embed(image);
            assertThat(Recognizer.similarity(before, changed)).isLessThan(0.9);
            recognizer.encoder().eval();
            recognizer.encoder().replaceLastLayer("fc", 16);
            float[] other = recognizer.embed(image);
            assertThat(other).hasSize(16);
            recognizer.encoder().replaceLastLayer("fc", 16);
            assertThat(recognizer.embed(image)).isNotEqualTo(other);
        }
    }

    /**
     * Uses YuNet and a pretrained model on images from crops of 83x100 pixels to photographs: 32 images, or 500 with
     * {@code -Dtests.long=true}.
     */
    @Test
    void photographsHaveEqualEmbeddingsThroughEveryEntryPoint() throws Exception {
        Path yunet = SharedFiles.orSkip("weights/yunet/yunet_s_640_640.onnx");
        Path weights = SharedFiles.orSkip("weights/mobilefacenet/mobilefacenet.pt");
        boolean all = Boolean.getBoolean("tests.long");
        try (FaceDetector detector = FaceDetector.open(yunet);
                Recognizer recognizer = Recognizer.pretrained(Encoder.MOBILEFACENET, Weights.read(weights))) {
            recognizer.useDetector(detector);
            recognizer.useFlip(true);
            List<Path> files = new ArrayList<>();
            for (String data : List.of("data/lfw_view1", "data/celebA_ir", "data/celebA_train_500", "data/orl_faces")) {
                files.addAll(filesWithAFace(SharedFiles.orSkip(data), all ? 125 : 8, detector));
            }
            List<Path> copies = new ArrayList<>();
            for (int i = 0; i < files.size(); i++) {
                Path person = Files.createDirectories(folder.resolve(String.format("person%03d", i)));
                copies.add(Files.copy(files.get(i), person.resolve(files.get(i).getFileName())));
            }
            assertAllEntryPointsAgree(recognizer, copies, FaceDataset.folders(folder, Split.TRAIN));
        }
    }

    private static List<Path> filesWithAFace(Path root, int count, FaceDetector detector) throws IOException {
        List<Path> files;
        try (var below = Files.walk(root)) {
            files = new ArrayList<>(below.filter(file -> file.toString().matches(".*\\.(jpg|png|pgm)"))
                    .sorted()
                    .toList());
        }
        Collections.shuffle(files, new Random(1));
        List<Path> chosen = new ArrayList<>();
        for (int i = 0; chosen.size() < count; i++) {
            try (Mat image = ImageReader.read(files.get(i))) {
                List<?> found = detector.detect(image);
                if (!found.isEmpty()
                        && !detector.isUpsideDown(image, detector.detect(image).get(0))) {
                    chosen.add(files.get(i));
                }
            }
        }
        return chosen;
    }

    private static void assertAllEntryPointsAgree(Recognizer recognizer, List<Path> files, FaceDataset data)
            throws Exception {
        List<float[]> expected = files.stream().map(recognizer::embed).toList();
        assertSame(recognizer.embed(files), expected);
        assertSame(List.of(recognizer.embed(data).embeddings()), expected);
        try (PreparedRecognizer prepared =
                        recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(PrepareOptions.Arithmetic.FP32));
                FaceBatcher batcher = prepared.batcher()) {
            assertThat(prepared.embeddingMode()).isEqualTo(recognizer.embeddingMode());
            List<float[]> preparedEmbeddings = prepared.embed(files);
            assertSame(List.of(prepared.embed(data).embeddings()), preparedEmbeddings);
            for (int i = 0; i < files.size(); i++) {
                assertThat(preparedEmbeddings.get(i)).containsExactly(expected.get(i), within(1e-5f));
                assertSingleImageEntryPoints(recognizer, files.get(i), expected.get(i));
                assertSingleImageEntryPoints(prepared, files.get(i), preparedEmbeddings.get(i));
                assertThat(batcher.embed(files.get(i)).join()).isEqualTo(preparedEmbeddings.get(i));
            }
        }
    }

    private static void assertSame(List<float[]> embeddings, List<float[]> expected) {
        assertThat(embeddings).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(embeddings.get(i)).as("image %d", i).isEqualTo(expected.get(i));
        }
    }

    private static void assertSingleImageEntryPoints(FaceEmbedder embedder, Path file, float[] expected)
            throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        try (Mat pixels = ImageReader.read(file)) {
            assertThat(embedder.embed(file)).isEqualTo(expected);
            assertThat(embedder.embed(ImageSource.of(bytes))).isEqualTo(expected);
            assertThat(embedder.embed(pixels)).isEqualTo(expected);
            assertThat(embedder.embed(toBufferedImage(pixels))).isEqualTo(expected);
            if (embedder.embeddingMode().detection() != null) {
                assertThat(embedder.faces(ImageSource.of(bytes)).get(0).embedding())
                        .isEqualTo(expected);
            }
        }
    }

    private static BufferedImage toBufferedImage(Mat rgb) {
        BufferedImage image = new BufferedImage(rgb.cols(), rgb.rows(), BufferedImage.TYPE_3BYTE_BGR);
        byte[] bytes = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
        rgb.data().get(bytes);
        for (int i = 0; i < bytes.length; i += 3) {
            byte red = bytes[i];
            bytes[i] = bytes[i + 2];
            bytes[i + 2] = red;
        }
        return image;
    }

    private static byte[] jpeg(Mat rgb) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(toBufferedImage(rgb), "jpg", out);
        return out.toByteArray();
    }
}
