package org.facerecognition.benchmarks;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * Embeddings per second, latency under several callers, and time and memory to the first embedding: ours, prepared and not,
 * beside bare libtorch, frozen TorchScript, ONNX Runtime, DJL and Python's PyTorch on the same net, taking turns in one run.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar inference [ROUNDS] [nets=resnet34,iresnet50,mobilefacenet]
 * [batches=1,16,64] [parts=throughput,layers,latency,start] [peers=...]}; 5 rounds and all of it where not said.
 */
final class InferenceBenchmark {
    private static final String BASELINE = "ONNX Runtime, fp32";
    private static final int IMAGES_A_TURN = 32;

    private final int rounds;
    private final Map<String, List<String>> chosen;
    private final Map<String, Child> children = new LinkedHashMap<>(); // that could be started, by kind

    private InferenceBenchmark(int rounds, Map<String, List<String>> chosen) {
        this.rounds = rounds;
        this.chosen = chosen;
    }

    /** Runs it and prints tables. */
    static void run(String[] args) throws IOException, InterruptedException {
        int rounds = 5;
        Map<String, List<String>> chosen = new LinkedHashMap<>(Map.of(
                "nets", List.of("resnet34", "iresnet50", "mobilefacenet"),
                "batches", List.of("1", "16", "64"),
                "parts", List.of("throughput", "layers", "latency", "start"),
                "peers", List.of("prepared", "half", "plain", "eager", "frozen", "onnxruntime", "djl", "python")));
        for (String argument : args) {
            String[] parts = argument.split("=", 2);
            if (parts.length == 1) {
                rounds = Integer.parseInt(argument);
            } else if (chosen.containsKey(parts[0])) {
                chosen.put(parts[0], Arrays.asList(parts[1].split(",")));
            } else {
                throw new IllegalArgumentException(
                        "argument must be one of " + chosen.keySet() + "=..., but was " + argument);
            }
        }
        new InferenceBenchmark(rounds, chosen).run();
    }

    private void run() throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("inference-benchmark");
        try {
            System.out.printf("%d threads of libtorch%n", torch.get_num_threads());
            for (String id : chosen.get("nets")) {
                try (Net net = new Net(Encoder.of(id), folder)) {
                    if (chosen.get("parts").contains("throughput")) {
                        throughput(net);
                    }
                    if (chosen.get("parts").contains("layers")) {
                        Layers.run(net, batches(), System.out);
                    }
                    if (chosen.get("parts").contains("latency")) {
                        Latency.run(net, System.out);
                    }
                    if (chosen.get("parts").contains("start")) {
                        start(net);
                    }
                } catch (OrtException e) {
                    throw new IOException(e);
                }
            }
        } finally {
            TrainingBenchmark.delete(folder);
        }
    }

    private List<Integer> batches() {
        return chosen.get("batches").stream().map(Integer::valueOf).toList();
    }

    private boolean wants(String peer) {
        return chosen.get("peers").contains(peer);
    }

    private void throughput(Net net) throws OrtException {
        double flops = 2.0 * net.multiplications();
        double peak = MatmulPeak.gigaflops(data_type.f32);
        double halfPeak = MatmulPeak.gigaflops(data_type.bf16);
        try (Recognizer contiguous = Recognizer.load(net.file("model"));
                PreparedRecognizer prepared =
                        net.recognizer().prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
                OrtSession session = InProcess.onnxRuntime(net)) {
            contiguous.encoder().setChannelsLast(false);
            PreparedRecognizer half = wants("half") ? half(net) : null;
            JitModule frozen = wants("frozen") ? frozen(net) : null;
            startChildren(net);
            for (int batch : batches()) {
                List<Contestant> all = new ArrayList<>();
                if (wants("prepared")) {
                    all.add(InProcess.libtorch("prepared, fp32", batch, true, prepared::embed));
                }
                if (half != null) {
                    all.add(InProcess.libtorch("prepared, bf16", batch, true, half::embed));
                }
                if (wants("plain")) {
                    all.add(InProcess.libtorch(
                            "not prepared, channels_last, fp32", batch, true, net.recognizer()::embed));
                }
                if (wants("eager")) {
                    all.add(InProcess.libtorch(
                            "bare libtorch, eager, fp32", batch, false, contiguous.encoder()::forward));
                }
                if (frozen != null) {
                    all.add(InProcess.libtorch(
                            "TorchScript, frozen and optimized, fp32", batch, false, x -> InProcess.run(frozen, x)));
                }
                all.add(InProcess.onnxRuntime(session, batch));
                children.values().forEach(child -> all.add(child.with(batch)));
                Rounds results = Rounds.run(all, rounds, Math.max(1, IMAGES_A_TURN / batch), System.out);
                results.print(System.out, net.id() + ", 112 px, batch " + batch, BASELINE);
                for (Contestant contestant : all) {
                    boolean inHalf = contestant.name().endsWith("bf16");
                    System.out.printf(
                            "share of the %s matmul peak: %s %.2f%n",
                            inHalf ? "bf16" : "fp32",
                            contestant.name(),
                            results.median(contestant.name()) * flops / 1e9 / (inHalf ? halfPeak : peak));
                    contestant.close();
                }
            }
            if (half != null) {
                half.close();
            }
            if (frozen != null) {
                frozen.close();
            }
            System.out.printf(
                    "%nmatmul peak, GFLOP/s: fp32 %.0f before, %.0f after, bf16 %.0f, %.0f; %.2f GFLOP an image%n",
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

    /** Null where it would crash: with sums that libtorch's oneDNN cannot do there. */
    private static @Nullable JitModule frozen(Net net) {
        if (Libtorch.keptToAvx()) {
            System.out.println("frozen TorchScript is left out: libtorch crashes in it on this machine");
            return null;
        }
        return InProcess.frozen(net);
    }

    /** Null where the processor has no instructions for it. The weights are drawn, so how near it comes says nothing. */
    private static @Nullable PreparedRecognizer half(Net net) {
        PreparedRecognizer automatic = net.recognizer().prepare();
        System.out.println("prepared with AUTO: " + automatic.arithmetic());
        if (automatic.arithmetic().startsWith("bfloat16")) {
            return automatic;
        }
        automatic.close();
        return PreparedNet.isFast(ScalarType.BFloat16)
                ? net.recognizer()
                        .prepare(new PrepareOptions(Arithmetic.HALF, PrepareOptions.DEFAULT.batchSize(), 1e-3))
                : null;
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
            System.out.println(kind + " is left out: " + e.getMessage());
        }
    }

    /** Each three times, in turns. */
    private static void start(Net net) {
        Map<String, Starter> starters = new LinkedHashMap<>();
        starters.put("prepared", () -> Child.java("prepared", net.file("model").toString()));
        starters.put("not prepared", () -> Child.java("plain", net.file("model").toString()));
        starters.put(
                "ONNX Runtime", () -> Child.java("onnxruntime", net.file("onnx").toString()));
        starters.put("DJL", () -> Child.java("djl", net.file("pt").toString()));
        starters.put(
                "Python PyTorch",
                () -> Child.python("embed_net.py", net.id(), net.file("pt").toString()));
        Map<String, List<Double>> seconds = new LinkedHashMap<>();
        Map<String, List<Double>> memory = new LinkedHashMap<>();
        for (int round = 0; round < 3; round++) {
            starters.forEach((name, starter) -> {
                try (Child child = starter.start()) {
                    seconds.computeIfAbsent(name, n -> new ArrayList<>()).add(child.secondsToFirst());
                    memory.computeIfAbsent(name, n -> new ArrayList<>()).add((double) child.mebibytes());
                } catch (IOException e) {
                    System.out.println(name + " is left out: " + e.getMessage());
                }
            });
        }
        System.out.printf(
                "%n| %s, a new process | to the first embedding, s | resident then, MiB |%n|---|---|---|%n", net.id());
        seconds.forEach((name, values) -> System.out.printf(
                "| %s | %.1f | %.0f |%n", name, Rounds.median(values), Rounds.median(memory.get(name))));
    }
}
