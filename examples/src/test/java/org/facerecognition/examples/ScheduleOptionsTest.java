package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.facerecognition.TrainerArgs;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** The learning rate of each epoch, and the warnings about settings without effect, for words of the command line. */
class ScheduleOptionsTest {
    private static final int EPOCHS = 10;

    /** The options of {@code train} at the beginning of a training. */
    private static final class Options {
        final CommandLine command = new CommandLine(new TrainCommand()).setCaseInsensitiveEnumValuesAllowed(true);
        final OptimizationOptions optimization;
        final int epochs;

        Options(String line) {
            List<String> words = new ArrayList<>(List.of("--data", "x"));
            words.addAll(Arrays.asList(line.split(" ")));
            if (!line.contains("--epochs")) {
                words.addAll(List.of("--epochs", Integer.toString(EPOCHS)));
            }
            command.parseArgs(words.toArray(String[]::new));
            if (line.contains("finetune")) {
                FinetunePreset.applyTo(command.getCommandSpec());
            }
            optimization = (OptimizationOptions)
                    command.getCommandSpec().mixins().get("optimization").userObject();
            epochs = value("--epochs");
        }

        <T> T value(String option) {
            return command.getCommandSpec().findOption(option).getValue();
        }

        double[] rates() {
            TrainerArgs args = optimization
                    .apply(TrainerArgs.builder().epochs(epochs), epochs)
                    .build();
            double[] rates = new double[epochs];
            Arrays.setAll(
                    rates,
                    epoch -> args.optimization()
                            .learningRate()
                            .at(args.optimization().optimizer().learningRate(), epoch));
            return rates;
        }

        List<String> warnings() {
            rates(); // first, as in TrainCommand
            return optimization.warnings(epochs, command.getParseResult()::hasMatchedOption);
        }
    }

    private static void assertRates(String line, IntToDoubleFunction expected) {
        double[] rates = new Options(line).rates();
        for (int epoch = 0; epoch < rates.length; epoch++) {
            assertThat(rates[epoch])
                    .as(line + ": rate of epoch " + (epoch + 1))
                    .isCloseTo(expected.applyAsDouble(epoch), within(1e-15));
        }
    }

    /** The closed form of CosineAnnealingLR's documentation. */
    private static double cosine(double top, double bottom, int epoch, int length) {
        return bottom + 0.5 * (top - bottom) * (1 + Math.cos(Math.PI * epoch / length));
    }

    @Nested
    class Rates {
        @Test
        void cosineFallsOverAllEpochs() {
            assertRates("--scheduler cosine --lr 1e-3 --eta-min 1e-5", epoch -> cosine(1e-3, 1e-5, epoch, 10));
        }

        @Test
        void polynomialFallsOverAllEpochsAndIsNeverZero() {
            assertRates("--scheduler polynomial --lr 1e-3", epoch -> 1e-3 * (10 - epoch) * (10 - epoch) / 100);
            assertThat(new Options("--scheduler polynomial").rates()).doesNotContain(0.0);
        }

        @Test
        void afterAWarmUpBothFallOverWhatIsLeft() {
            assertRates(
                    "--scheduler cosine --lr 1e-3 --eta-min 1e-5 --warmup-epochs 3",
                    epoch -> epoch < 3 ? 1e-3 * (epoch + 1) / 4 : cosine(1e-3, 1e-5, epoch - 3, 7));
            assertRates(
                    "--scheduler polynomial --lr 1e-3 --power 1 --warmup-epochs 3",
                    epoch -> epoch < 3 ? 1e-3 * (epoch + 1) / 4 : 1e-3 * (10 - epoch) / 7);
        }

        @Test
        void t0SetsTheLength() {
            assertRates("--scheduler cosine --lr 1e-3 --eta-min 0 --t0 4", epoch -> cosine(1e-3, 0, epoch, 4));
            assertRates(
                    "--scheduler polynomial --lr 1e-3 --power 1 --t0 4", epoch -> 1e-3 * Math.max(0, 4 - epoch) / 4);
            assertRates(
                    "--scheduler polynomial --lr 1e-3 --power 1 --t0 20 --warmup-epochs 1",
                    epoch -> epoch == 0 ? 0.5e-3 : 1e-3 * (21 - epoch) / 20);
        }

        @Test
        void warmRestartsComeEveryThreeEpochsByDefault() {
            assertRates(
                    "--scheduler cosine-warm-restarts --lr 1e-3 --eta-min 1e-5",
                    epoch -> cosine(1e-3, 1e-5, epoch % 3, 3));
            assertRates(
                    "--scheduler cosine-warm-restarts --lr 1e-3 --eta-min 1e-5 --t0 5",
                    epoch -> cosine(1e-3, 1e-5, epoch % 5, 5));
        }

        @Test
        void finetuneFallsToItsLastEpoch() {
            assertRates("--preset finetune", epoch -> cosine(2e-4, 1e-6, epoch, 10));
            assertRates("--preset finetune --epochs 6", epoch -> cosine(2e-4, 1e-6, epoch, 6));
            assertRates(
                    "--preset finetune --warmup-epochs 2",
                    epoch -> epoch < 2 ? 2e-4 * (epoch + 1) / 3 : cosine(2e-4, 1e-6, epoch - 2, 8));
            assertRates("--preset finetune --t0 20", epoch -> cosine(2e-4, 1e-6, epoch, 20));
            assertRates("--preset finetune --scheduler none", epoch -> 2e-4);
        }

        @ParameterizedTest
        @CsvSource({"none", "cosine-warm-restarts", "cosine", "step", "multi-step", "polynomial"})
        void oneEpochHasTheWholeRate(String scheduler) {
            assertThat(new Options("--epochs 1 --lr 1e-3 --scheduler " + scheduler).rates())
                    .containsExactly(1e-3);
        }
    }

    @Nested
    class T0InArgs {
        @ParameterizedTest
        @CsvSource({
            "--scheduler cosine, 10",
            "--scheduler polynomial --warmup-epochs 3, 7",
            "--scheduler cosine --t0 4, 4",
            "--scheduler cosine-warm-restarts, 3",
            "--preset finetune --warmup-epochs 1, 9",
            "--scheduler none,",
            "--scheduler step --t0 4,"
        })
        void isTheOneThatIsUsed(String line, Integer t0) {
            Options options = new Options(line);
            options.rates();
            assertThat(options.<Integer>value("--t0")).isEqualTo(t0);
        }
    }

    @Nested
    class InvalidSettings {
        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "--warmup-epochs 10 | --warmup-epochs must be less than --epochs (10), but was 10",
                    "--scheduler cosine --warmup-epochs 11 | --warmup-epochs must be less than --epochs (10), but was 11",
                    "--epochs 1 --warmup-epochs 1 | --warmup-epochs must be less than --epochs (1), but was 1",
                    "--warmup-epochs -1 | --warmup-epochs must be at least 0, but was -1",
                    "--scheduler polynomial --t0 0 | --t0 must be at least 1, but was 0",
                    "--scheduler cosine --epochs 0 | epochs must be at least 1, but was 0"
                })
        void isRejectedWithOneSentence(String line, String sentence) {
            assertThatThrownBy(() -> new Options(line).rates())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(sentence);
        }
    }

    @Nested
    class Warnings {
        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "--t0 4 | --t0 has no effect with --scheduler none: it is for cosine-warm-restarts, cosine, polynomial",
                    "--scheduler cosine --power 1 | --power has no effect with --scheduler cosine: it is for polynomial",
                    "--scheduler cosine --t-mult 2 | --t-mult has no effect with --scheduler cosine: it is for cosine-warm-restarts",
                    "--scheduler polynomial --eta-min 0 | --eta-min has no effect with --scheduler polynomial: it is for cosine-warm-restarts, cosine",
                    "--scheduler polynomial --gamma .5 | --gamma has no effect with --scheduler polynomial: it is for step, multi-step",
                    "--scheduler none --milestones 3 | --milestones has no effect with --scheduler none: it is for multi-step",
                    "--scheduler multi-step --milestones 3 --step-size 2 | --step-size has no effect with --scheduler multi-step: it is for step",
                    "--scheduler step | --step-size 10 has no effect: the schedule runs over 10 epochs",
                    "--scheduler step --step-size 9 --warmup-epochs 1 | --step-size 9 has no effect: the schedule runs over 9 epochs after the warm-up",
                    "--scheduler multi-step --milestones 5,9,10 | milestone 10 has no effect: the schedule runs over 10 epochs",
                    "--scheduler cosine-warm-restarts --t0 10 --t-mult 2 | --t-mult 2 has no effect: the schedule runs over 10 epochs, and the first restart comes after 10",
                    "--scheduler polynomial --t0 3 --warmup-epochs 2 | the learning rate is 0 from epoch 6 of 10: without --t0, polynomial runs to the last epoch",
                    "--scheduler cosine --t0 4 --warmup-epochs 2 | the learning rate is lowest in epoch 7 of 10 and rises again after it, because --t0 is 4",
                    "--scheduler cosine --lr 1e-5 | the learning rate rises from --lr 1.0E-5 to --eta-min 3.0E-5 instead of falling; give a lower --eta-min",
                    "--momentum .8 | --momentum has no effect with --optimizer adamw: only sgd uses it",
                    "--optimizer adam --nesterov | --nesterov has no effect with --optimizer adam: only sgd uses it"
                })
        void tellOfOneSettingWithoutEffect(String line, String warning) {
            assertThat(new Options(line).warnings()).containsExactly(warning);
        }

        @Test
        void nameEachMilestoneThatIsNotReached() {
            assertThat(new Options("--scheduler multi-step").warnings())
                    .containsExactly(
                            "milestone 20 has no effect: the schedule runs over 10 epochs",
                            "milestone 35 has no effect: the schedule runs over 10 epochs");
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "--lr 1e-3",
                    "--preset finetune",
                    "--preset finetune --scheduler none",
                    "--scheduler cosine --eta-min 0 --t0 10",
                    "--scheduler polynomial --power 1 --t0 7 --warmup-epochs 3",
                    "--scheduler step --step-size 9 --gamma .5",
                    "--scheduler multi-step --milestones 5,9 --gamma .5",
                    "--scheduler cosine-warm-restarts --t0 9 --t-mult 2",
                    "--optimizer sgd --momentum .8 --nesterov"
                })
        void areNotThereForSettingsWithAnEffect(String line) {
            assertThat(new Options(line).warnings()).isEmpty();
        }
    }
}
