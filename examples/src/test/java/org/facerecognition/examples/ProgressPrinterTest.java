package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.StepReport;
import org.junit.jupiter.api.Test;

/** The lines that a training prints where there is no terminal. */
class ProgressPrinterTest {
    private final StringWriter written = new StringWriter();
    private final ProgressPrinter printer = new ProgressPrinter(new PrintWriter(written), false, 0);

    @Test
    void showsTheFirstStepWithoutASpeed() {
        printer.stepped(step(1));
        printer.stepped(step(2)); // within ten seconds of the first
        assertThat(written.toString().lines())
                .containsExactly("epoch 1/3  batch 1/8  step 1  lr 1.00e-03  loss 2.5000  accuracy 0.1250");
    }

    /** With --accumulate, the images of a step are those of several batches; the bar ended at a quarter. */
    @Test
    void countsTheImagesOfStepsOfSeveralBatches() {
        StepReport second = new StepReport(1, 3, 8, 100, 4, 2, 2.5, 0.125, 1e-3, 64, 0);
        assertThat(ProgressPrinter.imagesInEpoch(second)).isEqualTo(1_600);
        assertThat(ProgressPrinter.imagesBefore(second)).isEqualTo(64);
        assertThat(ProgressPrinter.imagesBefore(step(1))).isZero();
    }

    @Test
    void showsAnEpochWithWhatWasMeasured() {
        printer.stepped(step(1));
        written.getBuffer().setLength(0);
        printer.epochEnded(
                new EpochReport(
                        1,
                        8,
                        2.25,
                        0.25,
                        Double.NaN,
                        0.5,
                        1e-3,
                        12.34,
                        0,
                        75,
                        new EpochReport.Unseen(0.9, 0.2, 0.6, 1e-3)),
                null);
        assertThat(written.toString().lines())
                .containsExactly(
                        "epoch 1/3  lr 1.00e-03  loss 2.2500  accuracy 0.2500  |  validation: accuracy 0.5000  |  12.3"
                                + " images/s  1:15  about 2:30 left",
                        "  people not trained on: AUC 0.9000  equal error rate 0.2000  TAR 0.6000 at FAR 1e-03");
    }

    /** 4 of the 8 steps of an epoch are left, not two epochs. */
    @Test
    void theTimeLeftEndsWithTheLastStep() {
        try (ProgressPrinter limited = new ProgressPrinter(new PrintWriter(written), false, 12)) {
            limited.stepped(step(1));
            limited.epochEnded(
                    new EpochReport(1, 8, 2.25, 0.25, Double.NaN, Double.NaN, 1e-3, 12.34, 0, 60, null), null);
            assertThat(written.toString()).contains("  1:00  about 0:30 left");
            written.getBuffer().setLength(0);
            limited.epochEnded(
                    new EpochReport(2, 12, 2.25, 0.25, Double.NaN, Double.NaN, 1e-3, 12.34, 0, 60, null), null);
            assertThat(written.toString()).doesNotContain("left");
        }
    }

    @Test
    void showsAnEpochWithoutValidation() {
        printer.epochEnded(
                new EpochReport(3, 24, 2.25, 0.25, Double.NaN, Double.NaN, 1e-3, 12.34, 0, 3_725, null), null);
        assertThat(written.toString().lines())
                .containsExactly("epoch 3  lr 1.00e-03  loss 2.2500  accuracy 0.2500  |  12.3 images/s  1:02:05");
    }

    @Test
    void showsSomeOfTheImagesThatWereSkipped() {
        Map<String, String> skipped = new LinkedHashMap<>();
        for (int i = 0; i < 7; i++) {
            skipped.put(i + ".jpg", "image " + i + ".jpg cannot be decoded");
        }
        printer.skipped(skipped);
        assertThat(written.toString().lines())
                .hasSize(6)
                .startsWith("skipped so far: 7 images that cannot be used, such as", "  image 0.jpg cannot be decoded")
                .doesNotContain("  image 5.jpg cannot be decoded");
    }

    private static StepReport step(int number) {
        return new StepReport(1, 3, number, 8, 1, number, 2.5, 0.125, 1e-3, 16, 0);
    }
}
