package org.facerecognition.benchmarks;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Processors;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.vision.FaceChoice;
import org.jspecify.annotations.Nullable;

/**
 * Measures inference: embeddings per second, the time of each layer, latency under several callers, and the time and
 * memory to the first embedding. Compares the recognizer, prepared by the caller or by itself, with bare libtorch,
 * frozen TorchScript, ONNX Runtime, DJL and Python's PyTorch on the same network, with interleaved rounds in one run.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar inference [ROUNDS]
 * [nets=resnet34,iresnet50,mobilefacenet] [batches=1,16,64] [parts=throughput,layers,latency,start] [peers=...]
 * [neighbors=0,1,2] [threads=1,2,4,8]}; by default 5 rounds of everything, without neighbors. ONNX
 * Runtime, to which the others are relative, is measured with any peers. Neighbors are programs that keep a processor
 * busy each; they run beside every part. With several numbers of threads, each has a process of
 * its own.
 */
final class InferenceBenchmark {
    private static final String BASELINE = "ONNX Runtime, fp32";
    private static final double WARM_UP_SECONDS = 2;
    private static final double ROUND_SECONDS = 1; // of each contestant
    private static final List<String> PARTS = List.of("throughput", "layers", "latency", "start");
    private static final List<String> PEERS =
            List.of("prepared", "half", "int8", "imported", "plain", "eager", "frozen", "onnxruntime", "djl", "python");
    private static final int CALIBRATION_FACES = 64; // for int8
    private static final int STARTS = 3; // of a new process

    private final int rounds;
    private final Map<String, List<String>> options;
    private final Map<String, Child> children = new LinkedHashMap<>(); // those that could be started, by kind

    private InferenceBenchmark(int rounds, Map<String, List<String>> options) {
        this.rounds = rounds;
        this.options = options;
    }

    /** Runs the benchmark and prints tables. */
    static void run(String[] args) throws IOException, InterruptedException {
        int rounds = 5;
        Map<String, List<String>> options = new LinkedHashMap<>(Map.of(
                "nets", List.of("resnet34", "iresnet50", "mobilefacenet"),
                "batches", List.of("1", "16", "64"),
                "neighbors", List.of("0"),
                "threads", List.of(),
                "parts", PARTS,
                "peers", PEERS));
        for (String argument : args) {
            String[] parts = argument.split("=", 2);
            if (parts.length == 1) {
                rounds = Arguments.atLeast(1, "ROUNDS", argument);
            } else if (options.containsKey(parts[0].replace("neighbours", "neighbors"))) {
                options.put(parts[0].replace("neighbours", "neighbors"), Arrays.asList(parts[1].split(",")));
            } else {
                throw new ArgumentException(
                        "argument must be one of " + options.keySet() + "=..., but was " + argument);
            }
        }
        require(options);
        InferenceBenchmark benchmark = new InferenceBenchmark(rounds, options);
        List<String> threads = benchmark.option("threads");
        if (threads.isEmpty()) {
            benchmark.run();
        }
        for (String number : threads) {
            List<String> command = Child.javaCommand(Main.class);
            command.add(1, "-D" + Processors.PROPERTY + "=" + number);
            command.addAll(1, Child.optionsOfThisProcess());
            command.add("inference");
            Arrays.stream(args).filter(word -> !word.startsWith("threads=")).forEach(command::add);
            Process process = new ProcessBuilder(command).inheritIO().start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
            int status = process.waitFor();
            if (status != 0) {
                throw new IOException("the benchmark with " + number + " threads ended with status " + status);
            }
        }
    }

    /** Checks all values before any work. */
    private static void require(Map<String, List<String>> options) {
        List<String> nets = Arrays.stream(Encoder.values()).map(Encoder::id).toList();
        options.forEach((name, values) -> {
            for (String value : values) {
                switch (name) {
                    case "nets" -> Arguments.oneOf(nets, "nets=", value);
                    case "parts" -> Arguments.oneOf(PARTS, "parts=", value);
                    case "peers" -> Arguments.oneOf(PEERS, "peers=", value);
                    case "neighbors" -> Arguments.atLeast(0, "neighbors=", value);
                    default -> Arguments.atLeast(1, name + "=", value);
                }
            }
        });
    }

    private void run() throws IOException, InterruptedException {
        System.out.printf("libtorch uses %d threads%n", torch.get_num_threads());
        for (String number : option("neighbors")) {
            try (Neighbors neighbors = new Neighbors(Integer.parseInt(number))) {
                System.out.printf("%nbeside %s busy loops%n", number);
                runParts();
            }
        }
    }

    private void runParts() throws IOException, InterruptedException {
        try (TemporaryFolder folder = TemporaryFolder.create("inference-benchmark")) {
            for (String id : option("nets")) {
                try (Net net = new Net(Encoder.of(id), folder.path())) {
                    if (option("parts").contains("throughput")) {
                        throughput(net);
                    }
                    if (option("parts").contains("layers")) {
                        Layers.run(net, batches(), System.out);
                    }
                    if (option("parts").contains("latency")) {
                        Latency.run(net, rounds, System.out);
                    }
                    if (option("parts").contains("start")) {
                        coldStart(net);
                    }
                } catch (OrtException e) {
                    throw new IOException(e);
                }
            }
        }
    }

    private List<String> option(String name) {
        return Objects.requireNonNull(options.get(name), name);
    }

    private List<Integer> batches() {
        return option("batches").stream().map(Integer::valueOf).toList();
    }

    private boolean wants(String peer) {
        return option("peers").contains(peer);
    }

    /** Prints embeddings per second of all peers at each batch size, and the fraction of the matmul peak. */
    private void throughput(Net net) throws OrtException {
        double flops = 2.0 * net.multiplications();
        double peak = MatmulPeak.gigaflops(data_type.f32);
        double halfPeak = MatmulPeak.gigaflops(data_type.bf16);
        try (Recognizer eager = Recognizer.load(net.file("model"));
                PreparedRecognizer prepared =
                        net.recognizer().prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
                OrtSession session = InProcess.onnxRuntime(net, torch.get_num_threads())) {
            PreparedRecognizer half = wants("half") ? half(net) : null;
            PreparedRecognizer int8 = wants("int8") ? int8(net) : null;
            Map<String, PreparedRecognizer> imported = wants("imported") ? imported(net) : Map.of();
            JitModule frozen = wants("frozen") ? frozen(net) : null;
            startChildren(net);
            for (int batch : batches()) {
                List<Contestant> contestants = new ArrayList<>();
                if (wants("prepared")) {
                    contestants.add(InProcess.libtorch("prepared, fp32", batch, true, prepared::embed));
                }
                if (half != null) {
                    contestants.add(InProcess.libtorch("prepared, bf16", batch, true, half::embed));
                }
                if (int8 != null) {
                    contestants.add(InProcess.libtorch("prepared, int8", batch, true, int8::embed));
                }
                imported.forEach((precision, recognizer) -> contestants.add(
                        InProcess.libtorch("ONNX file in this library, " + precision, batch, true, recognizer::embed)));
                if (wants("plain")) {
                    contestants.add(InProcess.libtorch("Recognizer.embed, fp32", batch, true, net.recognizer()::embed));
                }
                if (wants("eager")) {
                    contestants.add(InProcess.libtorch(
                            "bare libtorch, eager, channels_last, fp32", batch, true, eager.encoder()::forward));
                }
                if (frozen != null) {
                    contestants.add(InProcess.libtorch(
                            "TorchScript, frozen and optimized, fp32", batch, false, x -> InProcess.run(frozen, x)));
                }
                contestants.add(InProcess.onnxRuntime(session, batch));
                children.values().forEach(child -> contestants.add(child.contestant(batch)));
                Rounds results = Rounds.run(contestants, rounds, WARM_UP_SECONDS, ROUND_SECONDS, System.out);
                results.print(System.out, net.id() + ", 112 px, batch " + batch, BASELINE);
                for (Contestant contestant : contestants) {
                    boolean isHalf = contestant.name().endsWith("bf16");
                    System.out.printf(
                            "fraction of the %s matmul peak: %s %.2f%n",
                            isHalf ? "bf16" : "fp32",
                            contestant.name(),
                            results.median(contestant.name()) * flops / 1e9 / (isHalf ? halfPeak : peak));
                    contestant.close();
                }
            }
            if (half != null) {
                half.close();
            }
            if (int8 != null) {
                int8.close();
            }
            imported.values().forEach(PreparedRecognizer::close);
            if (frozen != null) {
                frozen.close();
            }
            System.out.printf(
                    "%nONNX Runtime %s%n", OrtEnvironment.getEnvironment().getVersion());
            System.out.printf(
                    "matmul peak in GFLOP/s: fp32 %.0f before and %.0f after, bf16 %.0f before and %.0f after;"
                            + " %.2f GFLOP per image%n",
                    peak,
                    MatmulPeak.gigaflops(data_type.f32),
                    halfPeak,
                    MatmulPeak.gigaflops(data_type.bf16),
                    flops / 1e9);
        } finally {
            children.values().forEach(Child::close);
            children.clear();
        }
    }

    /**
     * Returns the frozen TorchScript module, owned; null on machines where libtorch's oneDNN is limited to AVX, because
     * it cannot do the sums of the frozen module there and libtorch crashes.
     */
    private static @Nullable JitModule frozen(Net net) {
        if (Libtorch.keptToAvx()) {
            System.out.println("skipping frozen TorchScript: libtorch crashes in it on this machine");
            return null;
        }
        return InProcess.frozen(net);
    }

    /**
     * Returns a recognizer prepared in bf16, owned; null if the processor has no instructions for it. The weights are
     * random, so the accuracy of this precision is not judged.
     */
    private static @Nullable PreparedRecognizer half(Net net) {
        PreparedRecognizer automatic = net.recognizer().prepare();
        System.out.println("arithmetic chosen by AUTO: " + automatic.arithmetic());
        if (automatic.arithmetic().startsWith("bfloat16")) {
            return automatic;
        }
        automatic.close();
        return PreparedNet.isFast(ScalarType.BFloat16)
                ? net.recognizer()
                        .prepare(new PrepareOptions(Arithmetic.HALF, PrepareOptions.DEFAULT.batchSize(), 1e-3))
                : null;
    }

    /** Returns a recognizer prepared in int8, owned. The weights are random, so its accuracy is not judged. */
    private static PreparedRecognizer int8(Net net) {
        SyntheticFaces people = new SyntheticFaces(0, Net.SIZE_PX);
        List<Mat> faces = IntStream.range(0, CALIBRATION_FACES)
                .mapToObj(i -> people.image(i, 0))
                .toList();
        try {
            System.out.println("int8: "
                    + net.recognizer()
                            .calibrateInt8(faces.stream().map(ImageSource::of).toList()));
        } finally {
            faces.forEach(Mat::close);
        }
        return net.recognizer().prepare(PrepareOptions.INT8.withMinCosine(1e-3));
    }

    /**
     * Returns recognizers by precision, owned, that read the ONNX file which ONNX Runtime runs: in fp32, and in bf16 if
     * the processor has instructions for it.
     */
    private static Map<String, PreparedRecognizer> imported(Net net) {
        Map<String, PreparedRecognizer> recognizers = new LinkedHashMap<>();
        recognizers.put("fp32", imported(net, PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32)));
        if (PreparedNet.isFast(ScalarType.BFloat16)) {
            PrepareOptions half = new PrepareOptions(Arithmetic.HALF, PrepareOptions.DEFAULT.batchSize(), 1e-3);
            recognizers.put("bf16", imported(net, half));
        }
        return recognizers;
    }

    private static PreparedRecognizer imported(Net net, PrepareOptions options) {
        return PreparedRecognizer.load(net.file("onnx"), options, null, FaceChoice.MOST_PROMINENT, false);
    }

    private void startChildren(Net net) {
        if (wants("djl")) {
            start("djl", () -> Child.java("djl", net.file("pt").toString()));
        }
        if (wants("python")) {
            start(
                    "python",
                    () -> Child.python("embed_net.py", net.id(), net.file("pt").toString()));
        }
    }

    private interface Starter {
        Child start() throws IOException;
    }

    private void start(String kind, Starter starter) {
        try {
            children.put(kind, starter.start());
        } catch (IOException e) {
            System.out.println("skipping " + kind + ": " + e.getMessage());
        }
    }

    /**
     * Starts each peer several times, interleaved, and prints the time and the memory to its first embedding. All
     * compute in fp32. The kernels of the prepared network were chosen by the process that writes the archive of
     * classes, as they are by an earlier start of a program.
     */
    private static void coldStart(Net net) throws IOException, InterruptedException {
        Map<String, Starter> starters = new LinkedHashMap<>();
        putWithArchive(starters, "prepared, fp32", "prepared", net.file("model"));
        starters.put(
                "Recognizer.embed", () -> Child.java("plain", net.file("model").toString()));
        putWithArchive(starters, "ONNX Runtime", "onnxruntime", net.file("onnx"));
        starters.put("DJL", () -> Child.java("djl", net.file("pt").toString()));
        starters.put(
                "Python PyTorch",
                () -> Child.python("embed_net.py", "file", net.file("pt").toString()));
        Map<String, List<Double>> seconds = new LinkedHashMap<>();
        Map<String, List<Double>> memory = new LinkedHashMap<>();
        for (int round = 0; round < STARTS; round++) {
            starters.forEach((name, starter) -> {
                try (Child child = starter.start()) {
                    seconds.computeIfAbsent(name, absent -> new ArrayList<>()).add(child.secondsToFirst());
                    memory.computeIfAbsent(name, absent -> new ArrayList<>()).add((double) child.residentMib());
                } catch (IOException e) {
                    System.out.println("skipping " + name + ": " + e.getMessage());
                }
            });
        }
        System.out.printf(
                "%n| %s, in a new process | time to the first embedding, s, median (min to max) |"
                        + " resident memory then, MiB |%n"
                        + "|---|---|---|%n",
                net.id());
        seconds.forEach((name, values) -> System.out.printf(
                "| %s | %.2f (%.2f to %.2f) | %.0f |%n",
                name,
                Rounds.median(values),
                Collections.min(values),
                Collections.max(values),
                Rounds.median(Objects.requireNonNull(memory.get(name), name))));
    }

    /**
     * Adds a peer three times: as it is, with an archive of its classes, as a container's image may have, and with the
     * faster of the JVM's two compilers alone, as a program that does not run for long may have too.
     */
    private static void putWithArchive(Map<String, Starter> starters, String name, String kind, Path model)
            throws IOException, InterruptedException {
        Path archive = model.resolveSibling(kind + ".jsa");
        Files.deleteIfExists(archive); // of another net
        Child.archiveClasses(archive, kind, model.toString());
        starters.put(name, () -> Child.java(kind, model.toString()));
        List<String> archived = List.of("-XX:SharedArchiveFile=" + archive);
        starters.put(name + ", with a class data archive", () -> Child.java(archived, kind, model.toString()));
        List<String> withC1 = List.of("-XX:SharedArchiveFile=" + archive, "-XX:TieredStopAtLevel=1");
        starters.put(name + ", the same and C1 only", () -> Child.java(withC1, kind, model.toString()));
    }
}
