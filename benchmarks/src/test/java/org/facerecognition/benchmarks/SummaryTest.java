package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SummaryTest {
    private static final String MACHINE = "Some Processor, 2 processors, Linux, Java 17.0.15, 1 March 2026";

    @TempDir
    Path folder;

    @BeforeEach
    void writeResults() throws IOException {
        for (String net : new String[] {"resnet34", "mobilefacenet"}) {
            write(
                    "inference-" + net,
                    net + ", 112 px, batch 16",
                    "prepared, fp32 | 1234.4 (1 to 2) | 1.25 | x",
                    "ONNX Runtime, fp32 | 98.7 (3 to 4) | 1.00 | x");
        }
        write(
                "latency",
                "resnet34, 112 px, one image per call",
                "prepared, fp32, from pixels | a | b | c | 60.1 (1 to 2) | 1.50",
                "ONNX Runtime, fp32, from floats | a | b | c | 40.2 (1 to 2) | 1.00");
        write(
                "training",
                "training step, ResNet-34",
                "Trainer, loading and augmenting, fp32 | 20.0 (1 to 2) | 1.10",
                "bare libtorch loop, channels_last, fp32 | 18.0 (1 to 2) | 1.00");
        write(
                "heads",
                "forward and backward",
                "1,000,000 identities, MarginSoftmax, Partial FC 0.1 | 500.4 (1 to 2) | 3.00",
                "1,000,000 identities, plain libtorch | 1501.2 (1 to 2) | 1.00");
        write("accuracy", "Data", "LFW View 1 | 1,000 pairs | accuracy 0.9910, AUC 0.999");
    }

    /** Writes a table idle and, with other ratios, busy. */
    private void write(String section, String title, String... rows) throws IOException {
        String table = "Commit abc1234, " + MACHINE + "; 2 min.\n| " + title + " | more |\n|---|---|\n| "
                + String.join(" |\n| ", rows) + " |\n";
        Files.writeString(folder.resolve(section + "-idle.md"), table);
        Files.writeString(folder.resolve(section + "-busy.md"), table.replaceAll("\\| (\\d\\.\\d\\d) ", "| busy $1 "));
    }

    @Test
    void takesItsCellsFromTheTables() throws IOException {
        String embedding = " | 1,234 | 98.7, ONNX Runtime | 1.25 | busy 1.25 |";
        assertThat(new Summary(folder).markdown().lines())
                .startsWith("Commit abc1234, " + MACHINE + ".")
                .endsWith(
                        "|---|---|---|---|---|",
                        "| Embedding, ResNet-34, fp32, batches of 16, images/s" + embedding,
                        "| Embedding, MobileFaceNet, fp32, batches of 16, images/s" + embedding,
                        "| Embedding, ResNet-34, fp32, one image at a time, images/s | 60.1 | 40.2, ONNX Runtime | 1.50"
                                + " | busy 1.50 |",
                        "| Training, ResNet-34, fp32, batches of 16, images/s | 20.0, with loading and augmenting"
                                + " | 18.0, bare libtorch on one batch | 1.10 | busy 1.10 |",
                        "| ArcFace head, 1,000,000 identities, a tenth of them per step, ms | 500"
                                + " | 1,501, plain libtorch on the same tenth | 3.00 | busy 3.00 |",
                        "| Verification, LFW View 1, MobileFaceNet with public weights, accuracy | 0.9910 | – | – | – |");
    }

    @Test
    void namesTheBenchmarksOfEachCommit() throws IOException {
        Path heads = folder.resolve("heads-idle.md");
        Files.writeString(heads, Files.readString(heads).replace("abc1234", "def5678"));
        assertThat(new Summary(folder).markdown())
                .startsWith("Commit abc1234, " + MACHINE
                        + " (accuracy, inference-mobilefacenet, inference-resnet34, latency, training).\nCommit"
                        + " def5678, " + MACHINE + " (heads).\n");
    }

    @Test
    void namesTheRowThatIsMissing() throws IOException {
        write("training", "training step, ResNet-34", "other | 1.0 (1 to 2) | 1.00");
        assertThatThrownBy(() -> new Summary(folder).markdown())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("training-idle.md has no row \"Trainer, loading and augmenting, fp32\"");
    }
}
