package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.facerecognition.benchmarks.StepModel.Link;

/**
 * Measures training in several processes of this machine against one process with as many threads, over the same whole
 * batch, and how long the processes take to add up their gradients. From the speed of one thread and of two sums it
 * computes what steps should take, beside what they took, and what they would take on machines that are not here.
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
    private static final double GPU_IMAGES_PER_SECOND = 6_562;

    private static final int GPU_BATCH = 128;
    private static final double RESNET34_BYTES = 21.5e6 * Float.BYTES;

    private DistributedBenchmark() {}

    /** Runs the benchmark and prints tables. */
    static void run(String[] args) throws IOException {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 5;
        int steps = args.length > 1 ? Integer.parseInt(args[1]) : 6;
        List<RankGroup> groups = new ArrayList<>();
        Rounds results;
        double alone; // seconds of a step in which two processors compute a half each
        try {
            groups.add(RankGroup.training(1, 2, BATCH));
            groups.add(RankGroup.training(2, 1, BATCH));
            groups.add(RankGroup.training(4, 1, BATCH));
            results = Rounds.run(groups, rounds, steps, System.out);
            alone = BATCH / 2 / speedOfOneThread(rounds, steps);
        } finally {
            groups.forEach(RankGroup::close);
        }
        PrintStream out = System.out;
        String one = groups.get(0).name();
        results.print(out, "training, ResNet-18, 112 px, batch " + BATCH + ", CPU", one);
        List<Link> links = new ArrayList<>();
        out.printf("%n| Gradients of 46 MB added up | ms | of a step |%n|---|---|---|%n");
        for (int ranks : new int[] {2, 4}) {
            double few = RankGroup.secondsOfSum(ranks, FEW_VALUES);
            double all = RankGroup.secondsOfSum(ranks, RESNET18_VALUES);
            double step = BATCH / results.median(groups.get(ranks / 2).name());
            out.printf("| %d processes | %.0f | %.1f %% |%n", ranks, 1e3 * all, 100 * all / step);
            links.add(Link.fitted(
                    ranks, (double) FEW_VALUES * Float.BYTES, few, (double) RESNET18_VALUES * Float.BYTES, all));
        }
        out.printf("%n| Step | measured, ms | modelled, ms |%n|---|---|---|%n");
        for (int i = 0; i < links.size(); i++) {
            int ranks = 2 << i;
            double measured = BATCH / results.median(groups.get(i + 1).name());
            StepModel model =
                    new StepModel(alone, (double) RESNET18_VALUES * Float.BYTES, (double) BATCH * EMBEDDING_BYTES);
            out.printf(
                    "| %d processes | %.0f | %.0f |%n",
                    ranks, 1e3 * measured, 1e3 * model.seconds(ranks, links.get(i)));
        }
        printMachinesThatAreNotHere(out);
    }

    /** Returns the images per second of one process with one thread, beside another one that does the same. */
    private static double speedOfOneThread(int rounds, int steps) throws IOException {
        try (RankGroup first = RankGroup.training(1, 1, BATCH / 2);
                RankGroup second = RankGroup.training(1, 1, BATCH / 2)) {
            List<Double> rates = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                Thread neighbor = new Thread(() -> second.imagesPerSecond(steps));
                neighbor.start();
                rates.add(first.imagesPerSecond(steps));
                try {
                    neighbor.join();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return Rounds.median(rates);
        }
    }

    /** Modelled, not measured. */
    private static void printMachinesThatAreNotHere(PrintStream out) {
        Link nvlink = new Link(360e9, 10e-6); // NVLink 4 of 450 GB/s in one direction, of which rings reach four fifths
        Link ethernet = new Link(10e9, 30e-6); // 100 GbE of 12.5 GB/s, of which they reach four fifths
        out.printf(
                "%n| Modelled, not measured: ResNet-34, 112 px, %d images a GPU, %,.0f images/s on one | images/s |"
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
