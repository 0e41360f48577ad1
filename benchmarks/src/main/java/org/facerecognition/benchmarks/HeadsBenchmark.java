package org.facerecognition.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.ParameterGroup;
import org.facerecognition.train.ParameterOptimizer;

/**
 * Measures the forward and backward passes of an ArcFace head with batch size 128 and embeddings of 512 values: {@link
 * MarginSoftmax} against {@link PlainArcFace}, two implementations in plain libtorch. Each contestant runs
 * in a separate process, and their rounds are interleaved. Reports milliseconds, and how far the peak memory of the
 * process exceeds its memory once the class centers and the batch exist.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar heads [ROUNDS [CLASSES]]}; by default 5 rounds of all
 * sizes. Linux only.
 */
final class HeadsBenchmark {
    private static final int BATCH = 128;
    private static final int SIZE = 512;
    private static final double FRACTION = 0.1;

    /** An implementation, and the fraction of the classes it computes. */
    private enum Side {
        PLAIN("plain libtorch"),
        PLAIN_OVER_ALL("plain libtorch, margin on all cosines"),
        OURS("MarginSoftmax"),
        PLAIN_SHARE("plain libtorch, the same fraction"),
        OURS_SHARE("MarginSoftmax, Partial FC 0.1"),
        OURS_SHARE_STEP("MarginSoftmax, Partial FC 0.1, with the AdamW step");

        private final String title;

        Side(String title) {
            this.title = title;
        }
    }

    /** A number of classes, the steps per round, and the implementations to compare. */
    private record Size(int classes, int steps, List<Side> sides) {}

    private static final List<Size> SIZES = List.of(
            new Size(500, 60, List.of(Side.PLAIN, Side.PLAIN_OVER_ALL, Side.OURS)),
            new Size(10_572, 8, List.of(Side.PLAIN, Side.PLAIN_OVER_ALL, Side.OURS)),
            new Size(85_742, 2, List.of(Side.PLAIN, Side.PLAIN_OVER_ALL, Side.OURS)),
            new Size(1_000_000, 2, List.of(Side.PLAIN_SHARE, Side.OURS_SHARE, Side.OURS_SHARE_STEP)));

    private HeadsBenchmark() {}

    /** Runs the benchmark and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        if (args.length == 3) { // in a child process
            child(Side.valueOf(args[1]), Integer.parseInt(args[2]));
            return;
        }
        int rounds = new Arguments(args).number(0, "ROUNDS", 1, 5);
        int onlyClasses = args.length > 1 ? Integer.parseInt(Arguments.oneOf(classes(), "CLASSES", args[1])) : 0;
        List<String> table = new ArrayList<>();
        for (Size size : SIZES) {
            if (onlyClasses == 0 || onlyClasses == size.classes) {
                table.addAll(compare(size, rounds));
            }
        }
        System.out.println("| forward and backward, batch 128, embeddings of 512 values | ms, median (min to max)"
                + " | speed relative to plain libtorch | peak memory increase, MiB | peak memory, MiB |");
        System.out.println("|---|---|---|---|---|");
        table.forEach(System.out::println);
    }

    private static List<String> classes() {
        return SIZES.stream().map(size -> Integer.toString(size.classes)).toList();
    }

    private static List<String> compare(Size size, int rounds) throws IOException, InterruptedException {
        List<Child> children = new ArrayList<>();
        try {
            for (Side side : size.sides) {
                children.add(new Child(side, size.classes));
            }
            for (int round = 0; round < rounds; round++) {
                for (Child child : children) {
                    child.measure(size.steps);
                }
            }
            List<String> rows = new ArrayList<>();
            for (Child child : children) {
                rows.add(child.row(size.classes, children.get(0)));
            }
            return rows;
        } finally {
            for (Child child : children) {
                child.close();
            }
        }
    }

    /** A separate process that runs training steps on request. */
    private static final class Child implements AutoCloseable {
        private final Side side;
        private final Process process;
        private final PrintWriter in;
        private final BufferedReader out;
        private final List<Double> milliseconds = new ArrayList<>();

        Child(Side side, int classes) throws IOException {
            this.side = side;
            this.process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx256m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Main.class.getName(),
                            "heads",
                            "child",
                            side.name(),
                            Integer.toString(classes))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
            this.in = new PrintWriter(process.getOutputStream(), true, StandardCharsets.UTF_8);
            this.out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            run(2); // warm up
        }

        /** Runs steps in the process and returns the mean milliseconds per step. */
        private double run(int steps) {
            in.println(steps);
            return Double.parseDouble(readLine());
        }

        void measure(int steps) {
            milliseconds.add(run(steps));
        }

        private String readLine() {
            try {
                return org.facerecognition.benchmarks.Child.readLine(process, out, "the process of " + side.title);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Returns a row of the table. */
        String row(int classes, Child baseline) {
            in.println(0); // asks for the memory
            String[] memory = readLine().split(" ");
            return String.format(
                    "| %,d identities, %s | %.1f (%.1f to %.1f) | %.2f | %s | %s |",
                    classes,
                    side.title,
                    Rounds.median(milliseconds),
                    milliseconds.stream().min(Double::compare).orElseThrow(),
                    milliseconds.stream().max(Double::compare).orElseThrow(),
                    Rounds.medianOfRatios(baseline.milliseconds, milliseconds),
                    memory[0],
                    memory[1]);
        }

        @Override
        public void close() throws InterruptedException {
            in.close(); // end of input, on which the child process exits
            process.waitFor();
        }
    }

    // ---- in the child process ----

    /** Answers each number of steps with milliseconds per step, and 0 with the increase of peak memory and the peak. */
    private static void child(Side side, int classes) throws IOException {
        torch.manual_seed(0);
        MarginSoftmax head = new MarginSoftmax(classes, SIZE, new ArcFaceMargin(64, 0.5));
        head.train(true);
        if (side == Side.OURS_SHARE || side == Side.OURS_SHARE_STEP) {
            head.setPartialFraction(FRACTION);
        }
        Tensor weight = new Tensor(head.parameters().get(0));
        Tensor x = torch.randn(BATCH, SIZE);
        x.set_requires_grad(true);
        Tensor labels = torch.randint(classes, new long[] {BATCH}).to(ScalarType.Long);
        try (ParameterOptimizer optimizer =
                        new AdamW(1e-3, 0.01).over(List.of(new ParameterGroup(Map.of("weight", weight), 1, 0.01)));
                var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            ProcessMemory.resetPeak();
            double before = ProcessMemory.residentMib();
            String line;
            while ((line = in.readLine()) != null) {
                int steps = Integer.parseInt(line);
                if (steps == 0) {
                    double peak = ProcessMemory.peakMib();
                    System.out.printf("%.0f %.0f%n", peak - before, peak);
                    continue;
                }
                long start = System.nanoTime();
                for (int i = 0; i < steps; i++) {
                    try (PointerScope scope = new PointerScope()) {
                        step(side, head, weight, x, labels, optimizer);
                    }
                }
                System.out.println((System.nanoTime() - start) / 1e6 / steps);
            }
        }
    }

    private static void step(
            Side side, MarginSoftmax head, Tensor weight, Tensor x, Tensor labels, ParameterOptimizer optimizer) {
        Tensor loss = switch (side) {
            case PLAIN -> PlainArcFace.loss(x, weight, labels);
            case PLAIN_OVER_ALL -> PlainArcFace.lossOverAll(x, weight, labels);
            case PLAIN_SHARE -> plainPartialFc(x, weight, labels);
            default -> head.forward(x, labels).loss();
        };
        loss.backward();
        if (side == Side.OURS_SHARE_STEP) {
            MarginSoftmax.SampledRows sampled = head.sampled().orElseThrow();
            optimizer.addRowGradient("weight", sampled.rows(), sampled.values().grad());
            optimizer.step(1e-3);
        }
        if (!Float.isFinite(loss.item_float())) {
            throw new IllegalStateException("the loss of " + side.title + " is not finite: " + loss.item_float());
        }
        x.mutable_grad().put(new Tensor());
        optimizer.zeroGrad();
    }

    /** Partial FC sampling as in insightface's code, with the margin on the targets alone, too; scoped. */
    private static Tensor plainPartialFc(Tensor x, Tensor weight, Tensor labels) {
        try (Tensor rows = sampledRows(weight.size(0), labels); // [S]
                Tensor values = valuesOf(rows, weight); // [S, D]; autograd keeps it, and its gradient
                Tensor sampledLabels = torch.searchsorted(rows, labels)) {
            return PlainArcFace.loss(x, values, sampledLabels);
        }
    }

    private static Tensor sampledRows(long classes, Tensor labels) {
        try (NoGradGuard noGrad = new NoGradGuard();
                Tensor scores = torch.rand(classes)) {
            scores.index_fill_(0, labels, new Scalar(2.0));
            try (T_TensorTensor_T sampled = scores.topk((long) (FRACTION * classes));
                    T_TensorTensor_T sorted = sampled.get1().sort(0, false)) {
                return new Tensor(sorted.get0()); // another handle
            }
        }
    }

    private static Tensor valuesOf(Tensor rows, Tensor weight) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor values = weight.index_select(0, rows);
            values.set_requires_grad(true);
            return values;
        }
    }
}
