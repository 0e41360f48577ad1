package org.facerecognition.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.FaceBatcher;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.synthetic.SyntheticFaces;

/** Measures how long a caller waits for one embedding while 1, 4 or 16 callers send requests at the same time. */
final class Latency {
    private static final int REQUESTS = 96; // by all callers together

    private Latency() {}

    private interface Call {
        void embed() throws Exception;
    }

    /** Runs the benchmark and prints a table. The network is borrowed. */
    static void run(Net net, PrintStream out) throws OrtException, InterruptedException {
        try (PreparedRecognizer prepared =
                        net.recognizer().prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
                FaceBatcher batcher = prepared.batcher();
                OrtSession session = InProcess.onnxRuntime(net);
                OnnxTensor input = InProcess.onnxInput(1);
                Mat face = new SyntheticFaces(0, Net.SIZE_PX).image(0, 0)) {
            Map<String, Call> calls = new LinkedHashMap<>();
            calls.put("prepared, fp32, from pixels", () -> prepared.embed(face));
            calls.put(
                    "prepared, fp32, batched, from pixels",
                    () -> batcher.embed(face).get());
            calls.put(
                    "ONNX Runtime, fp32, from floats",
                    () -> session.run(Map.of("images", input)).close());
            out.printf(
                    "%n| %s, 112 px, one image per call | callers | p50, ms | p99, ms | images/s |%n"
                            + "|---|---|---|---|---|%n",
                    net.id());
            for (int callers : new int[] {1, 4, 16}) {
                for (Map.Entry<String, Call> call : calls.entrySet()) {
                    measure(call.getValue(), callers, callers * 2); // warm up
                    double[] seconds = measure(call.getValue(), callers, REQUESTS);
                    double total = seconds[seconds.length - 1];
                    double[] each = Arrays.copyOf(seconds, seconds.length - 1);
                    Arrays.sort(each);
                    out.printf(
                            "| %s | %d | %.1f | %.1f | %.1f |%n",
                            call.getKey(),
                            callers,
                            each[each.length / 2] * 1e3,
                            each[(int) (each.length * 0.99)] * 1e3,
                            each.length / total);
                }
            }
        }
    }

    /** Returns the seconds of each request, followed by the seconds for all of them. */
    private static double[] measure(Call call, int callers, int requests) throws InterruptedException {
        double[] seconds = new double[requests + 1];
        AtomicInteger next = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        long start = System.nanoTime();
        for (int i = 0; i < callers; i++) {
            Thread thread = new Thread(() -> {
                for (int n = next.getAndIncrement(); n < requests; n = next.getAndIncrement()) {
                    long requestStart = System.nanoTime();
                    try {
                        call.embed();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                    seconds[n] = (System.nanoTime() - requestStart) / 1e9;
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        seconds[requests] = (System.nanoTime() - start) / 1e9;
        return seconds;
    }
}
