package org.facerecognition.benchmarks;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import org.facerecognition.natives.Libtorch;

/** Runs a benchmark by its name: {@code java -jar benchmarks/target/benchmarks.jar NAME}. */
public final class Main {
    private Main() {}

    /** The first argument is the benchmark's name, the rest are its own. */
    public static void main(String[] args) throws IOException, InterruptedException {
        Locale.setDefault(Locale.ROOT);
        System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0"); // tensors are not the heap's business
        Libtorch.load(); // before any of its classes, which the contestants begin with
        String name = args.length == 0 ? "" : args[0];
        String[] rest = args.length == 0 ? args : Arrays.copyOfRange(args, 1, args.length);
        switch (name) {
            case "training" -> TrainingBenchmark.run(rest);
            case "loading" -> LoadingBenchmark.run(rest);
            case "weights" -> WeightsBenchmark.run(rest);
            case "recognition" -> RecognitionBenchmark.run(rest);
            case "gallery" -> GalleryBenchmark.run(rest);
            default -> {
                System.err.println(
                        "benchmark must be one of: training [ROUNDS [STEPS]], loading [ROUNDS [DIR]], weights [ROUNDS],"
                                + " recognition YUNET MOBILEFACENET LFW [ROUNDS], gallery [ROUNDS [N [N_HNSW]]]; but was \""
                                + name + "\"");
                System.exit(2);
            }
        }
    }
}
