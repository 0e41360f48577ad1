package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.vision.FaceChoice;
import org.facerecognition.weights.SafeTensors;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that are prepared from their files, in comparison with those that are loaded first. */
@Timeout(240)
class PreparedFileTest {
    private static final PrepareOptions FP32 = PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32);
    private static final int SIZE_PX = 32;

    @TempDir
    private Path folder;

    @BeforeAll
    static void loadNatives() {
        Libtorch.load();
    }

    private Path saved(Encoder encoder) {
        Path file = folder.resolve("model.safetensors");
        try (Recognizer recognizer = Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(encoder)
                .embeddingSize(16)
                .classes(3)
                .imageSizePx(SIZE_PX)
                .build())) {
            recognizer.save(file);
        }
        return file;
    }

    private static PreparedRecognizer load(Path file) {
        return PreparedRecognizer.load(file, FP32, null, FaceChoice.MOST_PROMINENT, false);
    }

    private static void assertEqual(Path file, PreparedRecognizer loaded) {
        try (Recognizer recognizer = Recognizer.load(file);
                PreparedRecognizer expected = recognizer.prepare(FP32);
                Mat face = new SyntheticFaces(1, SIZE_PX).image(0, 0)) {
            assertThat(loaded.embed(face)).isEqualTo(expected.embed(face));
            assertThat(loaded.fingerprint()).isEqualTo(recognizer.fingerprint());
            assertThat(loaded.embeddingMode()).isEqualTo(expected.embeddingMode());
            assertThat(loaded.embeddingSize()).isEqualTo(16);
            assertThat(loaded.imageSizePx()).isEqualTo(SIZE_PX);
            assertThat(loaded.identities()).isEqualTo(recognizer.identities());
            assertThat(loaded).hasToString(expected.toString());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Encoder.class,
            names = {"RESNET18", "IRESNET18", "MOBILEFACENET", "EFFICIENTNET_B0"})
    void aFileGivesTheEmbeddingsOfItsModelBitForBit(Encoder encoder) {
        Path file = saved(encoder);
        try (PreparedRecognizer loaded = load(file)) {
            assertEqual(file, loaded);
        }
    }

    /** Writes a model's file again with other metadata. */
    private Path rewritten(Path file, Map<String, String> changes) {
        Path other = folder.resolve("other.safetensors");
        try (PointerScope scope = new PointerScope();
                SafeTensors tensors = SafeTensors.open(file)) {
            Map<String, Tensor> values = new LinkedHashMap<>();
            tensors.names().forEach(name -> values.put(name, tensors.read(name)));
            Map<String, String> metadata = new LinkedHashMap<>(tensors.metadata());
            metadata.putAll(changes);
            if (changes.containsKey("graph")) {
                metadata.remove("graphCrc32"); // as in files of earlier versions
            }
            metadata.values().removeIf(String::isEmpty);
            SafeTensors.write(other, values, metadata);
        }
        return other;
    }

    @Test
    void filesOfEarlierVersionsAreLoadedFirst() {
        Path file = rewritten(saved(Encoder.MOBILEFACENET), Map.of("graph", ""));
        try (PreparedRecognizer loaded = load(file)) {
            assertEqual(file, loaded);
        }
    }

    @Test
    void damagedDescriptionsAreRefusedInOneSentence() {
        Path file = saved(Encoder.MOBILEFACENET);
        String graph;
        try (SafeTensors tensors = SafeTensors.open(file)) {
            graph = tensors.metadata().get("graph");
        }
        for (String damaged : List.of(
                "[]",
                "{",
                "[{\"op\":\"unknown\",\"in\":[0]}]",
                "[{\"op\":\"flatten\",\"in\":[3]}]",
                "[{\"op\":\"flatten\",\"in\":[]}]",
                graph.replace("\"op\":\"flatten\"", "\"op\":\"globalAveragePool\""),
                graph.replaceFirst("\"padding\":\\d+", "\"padding\":-1"),
                graph.replaceFirst("\"groups\":1", "\"groups\":7"),
                graph.replaceFirst("\"bias\":\"[^\"]*\"", "\"bias\":\"model.encoder.linear.weight\""),
                graph.replaceFirst("\"weight\":\"[^\"]*\"", "\"weight\":\"model.encoder.absent\""),
                // folding reads these before layers are fused
                graph.replaceFirst("\"mean\":\"[^\"]*\"", "\"mean\":\"model.encoder.conv3.weight\""),
                graph.replaceFirst("\"stride\":(\\d+)", "\"stride\":$1.9"),
                graph.replaceFirst("\"padding\":(\\d+)", "\"padding\":\"$1\""),
                graph.replaceFirst("\"in\":\\[0\\]", "\"in\":[\"0\"]"),
                graph.replaceFirst("\"epsilon\":[^,}]*", "\"epsilon\":\"x\""),
                graph.replaceFirst("\"epsilon\":[^,}]*", "\"epsilon\":-1"),
                graph.replaceFirst(",\"epsilon\":[^,}]*", ""))) {
            assertThat(damaged.equals(graph)).isFalse(); // which is long
            Path other = rewritten(file, Map.of("graph", damaged));
            assertThatThrownBy(() -> load(other))
                    .as(damaged.substring(0, Math.min(80, damaged.length())))
                    .isInstanceOf(WeightsException.class)
                    .hasMessageContaining(other.toString())
                    .hasMessageNotContaining("\n");
        }
    }

    /** It gave other embeddings with the same fingerprint. */
    @Test
    void anotherDescriptionThanTheSavedOneIsRefused() {
        Path file = saved(Encoder.RESNET18);
        String graph;
        String checksum;
        try (SafeTensors tensors = SafeTensors.open(file)) {
            graph = tensors.metadata().get("graph");
            checksum = tensors.metadata().get("graphCrc32");
        }
        load(rewritten(file, Map.of("graph", graph))).close();
        Path other = rewritten(file, Map.of("graph", graph.replaceFirst("RELU", "SILU")));
        load(other).close();
        Path changed = folder.resolve("changed.safetensors");
        try (PointerScope scope = new PointerScope();
                SafeTensors tensors = SafeTensors.open(other)) {
            Map<String, Tensor> values = new LinkedHashMap<>();
            tensors.names().forEach(name -> values.put(name, tensors.read(name)));
            Map<String, String> metadata = new LinkedHashMap<>(tensors.metadata());
            metadata.put("graphCrc32", checksum);
            SafeTensors.write(changed, values, metadata);
        }
        assertThatThrownBy(() -> load(changed))
                .isInstanceOf(WeightsException.class)
                .hasMessage(changed + " is damaged: its description of the network is not the one that was saved; use"
                        + " another copy");
    }

    /** Python's library sorts tensors by name; galleries refused embeddings of the other way to load the same file. */
    @Test
    void aFileSortedByNameHasTheSameFingerprint() {
        Path file = saved(Encoder.MOBILEFACENET);
        Path sorted = folder.resolve("sorted.safetensors");
        try (PointerScope scope = new PointerScope();
                SafeTensors tensors = SafeTensors.open(file)) {
            Map<String, Tensor> values = new TreeMap<>();
            tensors.names().forEach(name -> values.put(name, tensors.read(name)));
            SafeTensors.write(sorted, values, tensors.metadata());
        }
        try (PreparedRecognizer first = load(file);
                PreparedRecognizer loaded = load(sorted)) {
            assertEqual(sorted, loaded);
            assertThat(loaded.fingerprint()).isEqualTo(first.fingerprint());
        }
    }

    /** A small file asked for tens of gigabytes. */
    @Test
    void layersAndImagesLargerThanAnyAreRefused() {
        Path file = saved(Encoder.RESNET18);
        Map<String, String> metadata;
        try (SafeTensors tensors = SafeTensors.open(file)) {
            metadata = tensors.metadata();
        }
        Path padded = rewritten(
                file, Map.of("graph", metadata.get("graph").replaceFirst("\"padding\":\\d+", "\"padding\":5000")));
        assertThatThrownBy(() -> load(padded))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(padded
                        + " cannot be prepared: a net to be prepared must have at most 67108864 values per image")
                .hasMessageEndingWith(
                        "; use smaller images; unless its images are that large, it is damaged: use another" + " copy");
        String args = metadata.get("args").replace("\"imageSizePx\":32", "\"imageSizePx\":20000");
        assertThat(args).isNotEqualTo(metadata.get("args"));
        Path large = rewritten(file, Map.of("args", args, "imageSizePx", "20000"));
        for (ThrowingCallable loading : List.<ThrowingCallable>of(() -> load(large), () -> Recognizer.load(large))) {
            assertThatThrownBy(loading)
                    .isInstanceOf(WeightsException.class)
                    .hasMessage(
                            large + " is damaged: its metadata cannot be understood: imageSizePx must be at most 4096,"
                                    + " but was 20000");
        }
    }

    /** Finite weights whose products are too large: rows of NaN were returned as embeddings. */
    @Test
    void embeddingsThatAreNotFiniteAreRefused() {
        Path file = saved(Encoder.RESNET18);
        Path other = folder.resolve("other.safetensors");
        try (PointerScope scope = new PointerScope();
                SafeTensors tensors = SafeTensors.open(file)) {
            Map<String, Tensor> values = new LinkedHashMap<>();
            tensors.names().forEach(name -> values.put(name, tensors.read(name)));
            values.get("model.encoder.fc.weight").fill_(new Scalar(3e38));
            SafeTensors.write(other, values, tensors.metadata());
        }
        try (PreparedRecognizer prepared = load(other);
                Recognizer recognizer = Recognizer.load(other);
                Mat face = new SyntheticFaces(1, SIZE_PX).image(0, 0)) {
            FaceDataset faces = FaceDataset.synthetic(
                    new SyntheticFaces(1, SIZE_PX).identities(0, 2).images(0, 2), Split.TEST);
            List<ThrowingCallable> embeddings = List.of(
                    () -> prepared.embed(face),
                    () -> prepared.embed(faces),
                    () -> prepared.embedAsCropped(faces, done -> {}),
                    () -> recognizer.embed(face),
                    () -> recognizer.embed(faces),
                    () -> recognizer.embed(faces, true));
            for (ThrowingCallable embedding : embeddings) {
                assertThatThrownBy(embedding)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("the network's embeddings of faces contain NaN or infinity; its training has"
                                + " diverged, so use an earlier file");
            }
        }
    }

    /** The first use failed in the initializer of a class, which could not be used afterwards. */
    @Test
    void aWrongNumberOfThreadsIsSaidEachTime() throws IOException, InterruptedException {
        Path file = saved(Encoder.MOBILEFACENET);
        String said = said(
                WithAWrongSetting.class, "-Dfacerecognition.threads=abc", System.getProperty("java.class.path"), file);
        String sentence =
                "java.lang.IllegalArgumentException: facerecognition.threads must be a whole number of at least"
                        + " 1, but was abc";
        assertThat(said.lines()).containsSubsequence("has oneDNN or not", sentence, sentence);
    }

    /** Tries to load a model twice, after a question that needs oneDNN. */
    static final class WithAWrongSetting {
        public static void main(String[] args) {
            PreparedNet.isFast(org.bytedeco.pytorch.global.torch.ScalarType.Float);
            System.out.println("has oneDNN or not");
            for (int i = 0; i < 2; i++) {
                try (PreparedRecognizer loaded = load(Path.of(args[0]))) {
                    System.out.println(loaded);
                } catch (Throwable e) {
                    System.out.println(e);
                }
            }
        }
    }

    @Test
    void withoutLibtorchOnTheClassPathAModelEmbedsVerifiesAndIdentifies() throws IOException, InterruptedException {
        Path file = saved(Encoder.MOBILEFACENET);
        String said = saidWithoutLibtorch("-Xss320k", file); // less than oneDNN needs to be loaded
        try (PreparedRecognizer loaded = load(file);
                Mat face = new SyntheticFaces(1, SIZE_PX).image(0, 0)) {
            assertThat(said).contains("embedding " + Arrays.toString(loaded.embed(face)));
        }
        assertThat(said)
                .contains("identified as [the same], verified true", "libtorch cannot be loaded")
                .doesNotContain("Exception");
    }

    /** Runs {@link WithoutLibtorch} where oneDNN can take libtorch's place. */
    private String saidWithoutLibtorch(String option, Path file) throws IOException, InterruptedException {
        assumeThat(PreparedNet.isFast(org.bytedeco.pytorch.global.torch.ScalarType.Float))
                .as("oneDNN runs here")
                .isTrue();
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry ->
                        !Path.of(entry).getFileName().toString().matches("pytorch-.*-(linux|macosx|windows).*"))
                .collect(Collectors.joining(File.pathSeparator));
        return said(WithoutLibtorch.class, option, classPath, file);
    }

    /** Returns what a program printed that ended well, in a JVM of its own. */
    private String said(Class<?> program, String option, String classPath, Path file)
            throws IOException, InterruptedException {
        Path output = folder.resolve("output.txt");
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        option,
                        "-cp",
                        classPath,
                        program.getName(),
                        file.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(child.waitFor(120, TimeUnit.SECONDS)).isTrue();
            String said = Files.readString(output, StandardCharsets.UTF_8);
            assertThat(child.exitValue()).as(said).isZero();
            return said;
        } finally {
            child.destroyForcibly();
        }
    }

    /** Loading them takes a third of a second, for which every program that only embeds would wait. */
    @Test
    void jacksonsClassesThatBindDataAreNotLoadedToEmbed() throws IOException, InterruptedException {
        assertThat(saidWithoutLibtorch("-Xlog:class+load", saved(Encoder.MOBILEFACENET)))
                .contains("embedding ", "com.fasterxml.jackson.databind.JsonNode ")
                .doesNotContain("com.fasterxml.jackson.databind.ObjectMapper ");
    }

    /** JavaCPP's classes are initialized in another order where its memory limit is given. */
    @ParameterizedTest
    @ValueSource(strings = {"-Xss4m", "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"})
    void threadsThatBeginWithDifferentLibrariesDoNotWaitForEachOther(String option)
            throws IOException, InterruptedException {
        Path file = saved(Encoder.MOBILEFACENET);
        assertThat(said(InManyThreads.class, option, System.getProperty("java.class.path"), file))
                .contains("all are equal");
    }

    /** Uses a model in a JVM without libtorch's natives. */
    static final class WithoutLibtorch {
        public static void main(String[] args) throws InterruptedException {
            try (PreparedRecognizer loaded = load(Path.of(args[0]));
                    Mat face = new SyntheticFaces(1, SIZE_PX).image(0, 0);
                    FaceBatcher batcher = loaded.batcher()) {
                System.out.println("embedding " + Arrays.toString(loaded.embed(face)));
                if (!Arrays.equals(loaded.embed(face), batcher.embed(face).join())) {
                    throw new AssertionError("the batcher's embedding differs");
                }
                use(loaded, face, Path.of(args[0]).resolveSibling("people.gallery"));
            }
            try {
                Libtorch.load();
                throw new AssertionError("libtorch was on the class path");
            } catch (IllegalStateException e) {
                System.out.println("libtorch cannot be loaded");
            }
        }

        private static void use(PreparedRecognizer loaded, Mat face, Path file) {
            float[] probe = loaded.embed(face);
            Set<String> identities = new TreeSet<>();
            try (Gallery gallery = loaded.openGallery(file)) {
                gallery.enroll("the same", probe);
                for (int probes = 1; probes <= 2; probes++) {
                    gallery.identify(Collections.nCopies(probes, probe), 1, 0.99)
                            .forEach(outcome ->
                                    identities.add(outcome.matches().get(0).identity()));
                }
            }
            boolean same = loaded.verify(ImageSource.of(face), ImageSource.of(face), Threshold.of(0.99))
                    .same();
            System.out.println("identified as " + identities + ", verified " + same);
        }
    }

    /** Begins with a model, OpenCV and libtorch in threads of their own. */
    static final class InManyThreads {
        public static void main(String[] args) throws Exception {
            Path file = Path.of(args[0]);
            List<Callable<Object>> beginnings = List.of(
                    () -> embedding(file),
                    () -> new SyntheticFaces(1, SIZE_PX).image(0, 0),
                    () -> {
                        Libtorch.load();
                        return "";
                    },
                    () -> embedding(file));
            ExecutorService threads = Executors.newFixedThreadPool(beginnings.size());
            List<Future<Object>> ends = threads.invokeAll(beginnings);
            if (ends.get(0).get().equals(ends.get(3).get())) {
                System.out.println("all are equal");
            }
            System.exit(0);
        }

        private static Object embedding(Path file) {
            try (PreparedRecognizer loaded = load(file);
                    Mat face = new SyntheticFaces(1, SIZE_PX).image(0, 0)) {
                return Arrays.toString(loaded.embed(face));
            }
        }
    }
}
