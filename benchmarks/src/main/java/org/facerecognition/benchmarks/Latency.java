package org.facerecognition.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.FaceBatcher;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.synthetic.SyntheticFaces;

/**
 * Measures how long a caller waits for one embedding while 1, 4 or 16 callers send requests at the same time, in
 * interleaved rounds of some seconds each.
 */
final class Latency {
    private static final double WARM_UP_SECONDS = 1; // before the first round
    private static final double SECONDS = 2; // of a round

    private Latency() {}

    /** What a caller does again and again. */
    interface Call {
        void embed() throws Exception;
    }

    /** What one contestant did in all rounds: the time of each request, and the requests per second of each round. */
    record Times(List<Double> requestSeconds, List<Double> requestsPerSecond) {
        Times() {
            this(new ArrayList<>(), new ArrayList<>());
        }

        double percentileMs(double fraction) {
            double[] sorted = requestSeconds.stream()
                    .mapToDouble(Double::doubleValue)
                    .sorted()
                    .toArray();
            return sorted[(int) ((sorted.length - 1) * fraction)] * 1e3;
        }
    }

    /** Runs the benchmark and prints a table. The network is borrowed. */
    static void run(Net net, int rounds, PrintStream out) throws OrtException, InterruptedException {
        try (PreparedRecognizer prepared =
                        net.recognizer().prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
                FaceBatcher batcher = prepared.batcher();
                OrtSession session = InProcess.onnxRuntime(net, torch.get_num_threads());
                OrtSession oneThread = InProcess.onnxRuntime(net, 1);
                OnnxTensor input = InProcess.onnxInput(1);
                Mat face = new SyntheticFaces(0, Net.SIZE_PX).image(0, 0)) {
            Map<String, Call> calls = new LinkedHashMap<>();
            calls.put("prepared, fp32, from pixels", () -> prepared.embed(face));
            calls.put(
                    "prepared, fp32, batched, from pixels",
                    () -> batcher.embed(face).get());
            Map<String, Call> peers = new LinkedHashMap<>();
            peers.put(
                    "ONNX Runtime, fp32, from floats",
                    () -> session.run(Map.of("images", input)).close());
            out.printf(
                    "%n| %s, 112 px, one image per call | callers | p50, ms | p99, ms"
                            + " | images/s, median (min to max) | relative to ONNX Runtime, the faster |%n"
                            + "|---|---|---|---|---|---|%n",
                    net.id());
            for (int callers : new int[] {1, 4, 16}) {
                if (callers == 4) { // a caller computes on its own thread, as servers are advised to set it
                    peers.put(
                            "ONNX Runtime, fp32, from floats, one thread for each call",
                            () -> oneThread.run(Map.of("images", input)).close());
                }
                Map<String, Call> all = new LinkedHashMap<>(calls);
                all.putAll(peers);
                Map<String, Times> times = new LinkedHashMap<>();
                for (Call call : all.values()) {
                    measure(call, callers, WARM_UP_SECONDS, new Times());
                }
                for (int round = 0; round < rounds; round++) {
                    for (Map.Entry<String, Call> call : all.entrySet()) {
                        Times ofCall = times.computeIfAbsent(call.getKey(), name -> new Times());
                        measure(call.getValue(), callers, SECONDS, ofCall);
                    }
                }
                print(callers, times, peers.keySet(), out);
            }
        }
    }

    private static void print(int callers, Map<String, Times> times, Set<String> peers, PrintStream out) {
        List<Double> baseline = fasterOf(times, peers);
        times.forEach((name, measured) -> {
            List<Double> rates = measured.requestsPerSecond();
            out.printf(
                    "| %s | %d | %.1f | %.1f | %.0f (%.0f to %.0f) | %.2f |%n",
                    name,
                    callers,
                    measured.percentileMs(0.5),
                    measured.percentileMs(0.99),
                    Rounds.median(rates),
                    Collections.min(rates),
                    Collections.max(rates),
                    Rounds.medianOfRatios(rates, baseline));
        });
    }

    /** Returns the requests per second of that contestant among some whose median is the highest. */
    static List<Double> fasterOf(Map<String, Times> times, Set<String> names) {
        return names.stream()
                .map(name -> Objects.requireNonNull(times.get(name), name).requestsPerSecond())
                .max(Comparator.comparingDouble(Rounds::median))
                .orElseThrow();
    }

    /**
     * Lets callers send requests for some seconds.
     *
     * @throws IllegalStateException when a request fails
     */
    static void measure(Call call, int callers, double seconds, Times times) throws InterruptedException {
        List<FutureTask<List<Double>>> work = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        long start = System.nanoTime();
        for (int i = 0; i < callers; i++) {
            FutureTask<List<Double>> caller = new FutureTask<>(() -> requests(call, start, seconds));
            work.add(caller);
            Thread thread = new Thread(null, caller, "caller", Main.STACK_BYTES);
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        double elapsed = (System.nanoTime() - start) / 1e9;
        List<Double> all = new ArrayList<>();
        for (FutureTask<List<Double>> caller : work) {
            try {
                all.addAll(caller.get());
            } catch (ExecutionException e) {
                throw new IllegalStateException("a request failed: " + e.getCause(), e.getCause());
            }
        }
        times.requestsPerSecond.add(all.size() / elapsed);
        times.requestSeconds.addAll(all);
    }

    /** Sends one request after the other and returns the seconds that each took. */
    private static List<Double> requests(Call call, long start, double seconds) throws Exception {
        List<Double> times = new ArrayList<>();
        long now = System.nanoTime();
        while ((now - start) / 1e9 < seconds) {
            long requestStart = now;
            call.embed();
            now = System.nanoTime();
            times.add((now - requestStart) / 1e9);
        }
        return times;
    }
}
