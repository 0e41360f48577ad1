package org.facerecognition.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * Measures MobileFaceNet with public weights by the protocols of {@code face-recognition evaluate}, and the accuracy
 * that fine-tuning adds, with the commands of the READMEs.
 *
 * <p>Run in the root of a clone, after {@code mvn -q -DskipTests -pl benchmarks,examples -am package}, with
 * {@code java -jar benchmarks/target/benchmarks.jar accuracy MOBILEFACENET YUNET LFW CELEBA_IR ORL CELEBA} or with
 * {@code fine-tuning MOBILEFACENET CELEBA}: the network's weights, the detector's file, and the folders of the data:
 * LFW with {@code pairsDevTest.txt}, CelebA's identification set, AT&amp;T (ORL), CelebA-500.
 */
final class AccuracyBenchmark {
    private static final String[] FALSE_POSITIVE_RATES = {"0.2", "0.1", "0.05", "0.01", "0.001"};

    private AccuracyBenchmark() {}

    /** Evaluates the weights as they are, and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        if (args.length != 6) {
            throw new ArgumentException("arguments must be MOBILEFACENET YUNET LFW CELEBA_IR ORL CELEBA, but were "
                    + (args.length == 0 ? "missing" : String.join(" ", args)));
        }
        String yunet = args[1];
        JsonNode lfw = evaluate(args[0], args[2], "--protocol", "view1", "--detector", yunet);
        JsonNode mean = evaluate(args[0], args[3], "--protocol", "celeba-ir", "--align", "mean");
        JsonNode detected = evaluate(args[0], args[3], "--protocol", "celeba-ir", "--detector", yunet);
        JsonNode orl = evaluate(args[0], args[4], "--protocol", "all-pairs", "--detector", yunet);
        JsonNode celeba;
        try (TemporaryFolder folder = TemporaryFolder.create("accuracy")) {
            celeba = evaluate(
                    args[0],
                    args[5],
                    "--protocol",
                    "all-pairs",
                    "--align",
                    "mean",
                    "--calibrate",
                    folder.path().resolve("calibrated.model").toString());
        }

        System.out.println("| Data | `evaluate --protocol` | Figure |\n|---|---|---|");
        row(
                "LFW View 1, aligned by YuNet's landmarks",
                "`view1 --detector`",
                "accuracy %.3f, the threshold %s"
                        .formatted(
                                number(lfw, "accuracy"),
                                lfw.hasNonNull("accuracy_first_half")
                                        ? "for each half of the pairs chosen on the other half"
                                        : "chosen on the pairs for training"));
        row("CelebA identification, aligned by mean landmarks", "`celeba-ir --align mean`", rates(mean));
        row("the same, aligned by YuNet's landmarks", "`celeba-ir --detector`", rates(detected));
        row(
                "ORL, 40 people, aligned by YuNet's landmarks",
                "`all-pairs --detector`",
                "AUC %.5f; TAR at FAR 0.001 %.3f (95 %% interval %.3f to %.3f)"
                        .formatted(
                                number(orl, "auc"),
                                number(orl, "tar_at_far_1e-3"),
                                number(orl, "tar_at_far_1e-3_low"),
                                number(orl, "tar_at_far_1e-3_high")));
        row(
                "CelebA-500, aligned by mean landmarks",
                "`all-pairs --align mean --calibrate`",
                StreamSupport.stream(celeba.get("calibration").spliterator(), false)
                        .map(threshold -> "threshold %.3f for a false accept rate of %s (%,d people)"
                                .formatted(
                                        number(threshold, "cosine"),
                                        percent(number(threshold, "false_accept_rate")),
                                        threshold.get("people").asInt()))
                        .collect(Collectors.joining("; ")));
    }

    /** Fine-tunes the weights, evaluates them before and after, and prints a table. */
    static void fineTuning(String[] args) throws IOException, InterruptedException {
        if (args.length != 2) {
            throw new ArgumentException("arguments must be MOBILEFACENET CELEBA, but were "
                    + (args.length == 0 ? "missing" : String.join(" ", args)));
        }
        JsonNode before = evaluate(args[0], args[1], "--align", "mean");
        try (TemporaryFolder folder = TemporaryFolder.create("fine-tuning")) {
            Path model = folder.path();
            long start = System.nanoTime();
            List<String> words = new ArrayList<>(List.of("train", "--data", args[1], "--init", args[0]));
            words.addAll(List.of(("--align mean --encoder mobilefacenet --embedding-size 128 --preset finetune"
                            + " --freezer before:features.14 --feature-cache-mib 1024 --dropout 0 --lr 3e-4"
                            + " --epochs 9 --out")
                    .split(" ")));
            words.add(model.toString());
            Program.run(words);
            double minutes = (System.nanoTime() - start) / 60e9;
            System.out.println("| Accuracy by nearest class mean | Validation | Test |\n|---|---|---|");
            accuracies("before", before);
            for (String file : List.of("last.ckpt", "best.ckpt")) {
                accuracies("`" + file + "`", evaluate(model.resolve(file).toString(), args[1], "--align", "mean"));
            }
            System.out.printf("%nthe training took %.0f minutes%n", minutes);
        }
    }

    /** Evaluates a model, or MobileFaceNet's weights from elsewhere. */
    private static JsonNode evaluate(String model, String data, String... more)
            throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("evaluate", "--model", model, "--data", data));
        if (!model.endsWith(".ckpt")) {
            words.addAll(List.of("--encoder", "mobilefacenet"));
        }
        words.addAll(List.of(more));
        return Program.json(words);
    }

    private static String rates(JsonNode figures) {
        return "TPR at FPR " + String.join(" / ", FALSE_POSITIVE_RATES) + ": "
                + Arrays.stream(FALSE_POSITIVE_RATES)
                        .map(rate -> String.format(Locale.ROOT, "%.3f", number(figures, "tpr_at_fpr_" + rate)))
                        .collect(Collectors.joining(" / "));
    }

    private static void accuracies(String model, JsonNode figures) {
        row(
                model,
                "%.4f".formatted(number(figures, "val_accuracy")),
                "%.4f".formatted(number(figures, "test_accuracy")));
    }

    private static String percent(double rate) {
        return String.format(Locale.ROOT, "%s %%", (float) (rate * 100));
    }

    private static double number(JsonNode figures, String name) {
        if (!figures.hasNonNull(name)) {
            throw new IllegalStateException("face-recognition evaluate printed no " + name + ": " + figures);
        }
        return figures.get(name).asDouble();
    }

    private static void row(String... cells) {
        System.out.println("| " + String.join(" | ", cells) + " |");
    }
}
