package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.facerecognition.benchmarks.StepModel.Link;

/**
 * Measures training in several processes of this machine against one process with as many threads, over the same whole
 * batch, and how long the processes take to add up their gradients. From the speed of processes that train without each
 * other, and of two sums, it computes what steps should take, beside what they took, and what they would take on
 * machines that are not here. The steps of all of them include ends of epochs, without validation.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar distributed [ROUNDS [STEPS]]}; by default 5 rounds of 6
 * steps: ResNet-18, 112 px, 100 people, batches of 32.
 */
final class DistributedBenchmark {
    private static final int BATCH = 32;
    private static final int EMBEDDING_BYTES = 512 * Float.BYTES;
    private static final int RESNET18_VALUES = 11_439_168; // gradients of the encoder
    private static final int FEW_VALUES = 1 << 18;

    /** Measured on one NVIDIA H200, see the training section of this README: ResNet-34, 112 px, batches of 128. */
    static final double GPU_IMAGES_PER_SECOND = 6_562;

    private static final int GPU_BATCH = 128;
    private static final double RESNET34_BYTES = 21.5e6 * Float.BYTES;

    private DistributedBenchmark() {}

    /** Two processes with a thread each that train without each other, on a half of the batch each; owned. */
    private record Apart(RankGroup one, RankGroup other) implements Contestant {
        static Apart start() throws IOException {
            return new Apart(RankGroup.training(1, 1, BATCH / 2), RankGroup.training(1, 1, BATCH / 2));
        }

        @Override
        public String name() {
            return "2 processes with a training each, 1 thread each";
        }

        @Override
        public double imagesPerSecond(int steps) {
            CompletableFuture<Double> beside = CompletableFuture.supplyAsync(() -> other.imagesPerSecond(steps));
            return one.imagesPerSecond(steps) + beside.join();
        }

        @Override
        public void close() {
            one.close();
            other.close();
        }
    }

    /** Runs the benchmark and prints tables. */
    static void run(String[] args) throws IOException {
        Arguments arguments = new Arguments(args);
        int rounds = arguments.number(0, "ROUNDS", 1, 5);
        int steps = arguments.number(1, "STEPS", 1, 6);
        List<Contestant> contestants = new ArrayList<>();
        Rounds results;
        try {
            contestants.add(RankGroup.training(1, 2, BATCH));
            contestants.add(RankGroup.training(2, 1, BATCH));
            contestants.add(RankGroup.training(4, 1, BATCH));
            contestants.add(Apart.start());
            results = Rounds.run(contestants, rounds, steps, System.out);
        } finally {
            contestants.forEach(Contestant::close);
        }
        results.print(
                System.out,
                "training, ResNet-18, 112 px, batch " + BATCH + ", CPU",
                contestants.get(0).name());
        double compute = BATCH / results.median(contestants.get(3).name());
        StepModel model =
                new StepModel(compute, (double) RESNET18_VALUES * Float.BYTES, (double) BATCH * EMBEDDING_BYTES);
        System.out.printf("%n| Step of | ms | 46 MB of gradients added up, ms | of the step | modeled, ms |%n");
        System.out.println("|---|---|---|---|---|");
        for (int ranks : new int[] {2, 4}) {
            double few = RankGroup.secondsOfSum(ranks, FEW_VALUES);
            double all = RankGroup.secondsOfSum(ranks, RESNET18_VALUES);
            Link link = Link.fitted(ranks, (double) FEW_VALUES * Float.BYTES, few, model.gradientBytes(), all);
            double step = BATCH / results.median(contestants.get(ranks / 2).name());
            System.out.printf(
                    "| %d processes | %.0f | %.0f | %.1f %% | %.0f |%n",
                    ranks, 1e3 * step, 1e3 * all, 100 * all / step, 1e3 * model.seconds(ranks, link));
        }
        printMachinesThatAreNotHere(System.out);
    }

    /** Modeled, not measured. */
    private static void printMachinesThatAreNotHere(PrintStream out) {
        Link nvlink = new Link(360e9, 10e-6); // NVLink 4 of 450 GB/s in one direction, of which rings reach four fifths
        Link ethernet = new Link(10e9, 30e-6); // 100 GbE of 12.5 GB/s, of which they reach four fifths
        out.printf(
                "%n| Modeled, not measured: ResNet-34, 112 px, %d images a GPU, %,.0f images/s on one | images/s |"
                        + " of ideal | communication, ms of a step |%n|---|---|---|---|%n",
                GPU_BATCH, GPU_IMAGES_PER_SECOND);
        printRow(out, "8 GPUs, NVLink", 8, nvlink);
        printRow(out, "8 GPUs, 100 GbE each", 8, ethernet);
        printRow(out, "32 GPUs, 4 machines, 100 GbE each", 32, ethernet);
    }

    private static void printRow(PrintStream out, String name, int ranks, Link link) {
        double compute = GPU_BATCH / GPU_IMAGES_PER_SECOND;
        StepModel model = new StepModel(compute, RESNET34_BYTES, (double) ranks * GPU_BATCH * EMBEDDING_BYTES);
        double seconds = model.seconds(ranks, link);
        out.printf(
                "| %s | %,.0f | %.0f %% | %.1f of %.1f |%n",
                name,
                ranks * GPU_BATCH / seconds,
                100 * compute / seconds,
                1e3 * model.communicationSeconds(ranks, link),
                1e3 * seconds);
    }
}
