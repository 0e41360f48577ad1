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
 * Forward and backward of an ArcFace head, batch 128, embeddings of 512: ours beside the plain writing in bare libtorch, each
 * in a process of its own, taking turns; milliseconds, and how far the process's memory rises above what it was when centers
 * and batch were there.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar heads [ROUNDS [CLASSES]]}; 5 rounds of all sizes where not said. Linux
 * only.
 */
final class HeadsBenchmark {
    private static final int BATCH = 128;
    private static final int SIZE = 512;
    private static final double SHARE = 0.1;

    /** Who takes part, and over which share of the classes. */
    private enum Side {
        PLAIN("plain, bare libtorch"),
        OURS("MarginSoftmax"),
        PLAIN_SHARE("plain, bare libtorch, the same share"),
        OURS_SHARE("MarginSoftmax, Partial FC 0.1"),
        OURS_SHARE_STEP("MarginSoftmax, Partial FC 0.1, and AdamW's step");

        private final String title;

        Side(String title) {
            this.title = title;
        }
    }

    /** A size: who takes part, and steps in a round. */
    private record Size(int classes, int steps, List<Side> sides) {}

    private static final List<Size> SIZES = List.of(
            new Size(500, 60, List.of(Side.PLAIN, Side.OURS)),
            new Size(10_572, 8, List.of(Side.PLAIN, Side.OURS)),
            new Size(85_742, 2, List.of(Side.PLAIN, Side.OURS)),
            new Size(1_000_000, 2, List.of(Side.PLAIN_SHARE, Side.OURS_SHARE, Side.OURS_SHARE_STEP)));

    private HeadsBenchmark() {}

    /** Runs it and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        if (args.length == 3) { // a child of this
            child(Side.valueOf(args[1]), Integer.parseInt(args[2]));
            return;
        }
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 5;
        int only = args.length > 1 ? Integer.parseInt(args[1]) : 0;
        List<String> table = new ArrayList<>();
        for (Size size : SIZES) {
            if (only == 0 || only == size.classes) {
                table.addAll(compare(size, rounds));
            }
        }
        System.out.println("| forward and backward, batch 128, embeddings of 512 | ms, median (least to most)"
                + " | over plain | peak, MiB above before | process, MiB |");
        System.out.println("|---|---|---|---|---|");
        table.forEach(System.out::println);
    }

    private static List<String> compare(Size size, int rounds) throws IOException, InterruptedException {
        List<Child> children = new ArrayList<>();
        try {
            for (Side side : size.sides) {
                children.add(new Child(side, size.classes));
            }
            for (int round = 0; round < rounds; round++) {
                for (Child child : children) {
                    child.steps(size.steps);
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

    /** A process that does steps when told to. */
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
            this.in = new PrintWriter(process.getOutputStream(), true, StandardCharsets.UTF_8);
            this.out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            ask(2); // warm
        }

        /** Milliseconds of a step. */
        private double ask(int steps) {
            in.println(steps);
            return Double.parseDouble(line());
        }

        void steps(int steps) {
            milliseconds.add(ask(steps));
        }

        private String line() {
            try {
                String line = out.readLine();
                if (line == null) {
                    throw new IllegalStateException(side.title + " must go on to the end, but its process ended");
                }
                return line;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        String row(int classes, Child baseline) {
            in.println(0);
            String[] memory = line().split(" ");
            List<Double> ratios = new ArrayList<>();
            for (int i = 0; i < milliseconds.size(); i++) {
                ratios.add(baseline.milliseconds.get(i) / milliseconds.get(i));
            }
            return String.format(
                    "| %,d identities, %s | %.1f (%.1f to %.1f) | %.2f | %s | %s |",
                    classes,
                    side.title,
                    Rounds.median(milliseconds),
                    milliseconds.stream().min(Double::compare).orElseThrow(),
                    milliseconds.stream().max(Double::compare).orElseThrow(),
                    Rounds.median(ratios),
                    memory[0],
                    memory[1]);
        }

        @Override
        public void close() throws InterruptedException {
            in.close(); // the child's reading ends, and so does the child
            process.waitFor();
        }
    }

    // ---- in the child ----

    private static void child(Side side, int classes) throws IOException {
        torch.manual_seed(0);
        MarginSoftmax head = new MarginSoftmax(classes, SIZE, new ArcFaceMargin(64, 0.5));
        head.train(true);
        if (side == Side.OURS_SHARE || side == Side.OURS_SHARE_STEP) {
            head.setPartialFraction(SHARE);
        }
        Tensor weight = new Tensor(head.parameters().get(0));
        Tensor x = torch.randn(BATCH, SIZE);
        x.set_requires_grad(true);
        Tensor labels = torch.randint(classes, new long[] {BATCH}).to(ScalarType.Long);
        try (ParameterOptimizer optimizer =
                        new AdamW(1e-3, 0.01).over(List.of(new ParameterGroup(Map.of("weight", weight), 1, 0.01)));
                var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            ProcessMemory.forgetPeak();
            double before = ProcessMemory.now();
            String line;
            while ((line = in.readLine()) != null) {
                int steps = Integer.parseInt(line);
                if (steps == 0) {
                    double peak = ProcessMemory.peak();
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
            case PLAIN_SHARE -> plainShare(x, weight, labels);
            default -> head.forward(x, labels).loss();
        };
        loss.backward();
        if (side == Side.OURS_SHARE_STEP) {
            MarginSoftmax.SampledRows sampled = head.sampled().orElseThrow();
            optimizer.addRowGradient("weight", sampled.rows(), sampled.values().grad());
            optimizer.step(1e-3);
        }
        if (!Float.isFinite(loss.item_float())) {
            throw new IllegalStateException("loss must be finite, but was " + loss.item_float());
        }
        x.mutable_grad().put(new Tensor());
        optimizer.zeroGrad();
    }

    /** Partial FC as insightface's code has it, with the plain writing over the sampled rows. */
    private static Tensor plainShare(Tensor x, Tensor weight, Tensor labels) {
        Tensor rows; // [S]
        Tensor values; // [S, D]
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor luck = torch.rand(weight.size(0)).index_fill_(0, labels, new Scalar(2.0));
            T_TensorTensor_T chosen = luck.topk((long) (SHARE * weight.size(0)));
            rows = chosen.get1().sort(0, false).get0();
            values = weight.index_select(0, rows);
            values.set_requires_grad(true);
        }
        return PlainArcFace.loss(x, values, torch.searchsorted(rows, labels));
    }
}
