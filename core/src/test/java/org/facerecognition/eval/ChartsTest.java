package org.facerecognition.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.DoubleStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChartsTest {
    /** The axis of a network that is barely trained read "1.0" from end to end. */
    @ParameterizedTest
    @CsvSource({"-1, 1, 0.0", "0, 1, 0.0", "0.3, 0.6, 0.00", "0.99, 0.999, 0.0000", "0.0001, 0.0005, 0.00000"})
    void tenthsOfARangeHaveLabelsOfTheirOwn(double from, double to, String expected) {
        String pattern = Charts.pattern(to - from);
        DecimalFormat format = new DecimalFormat(pattern, DecimalFormatSymbols.getInstance(Locale.ROOT));
        assertThat(pattern).isEqualTo(expected);
        assertThat(DoubleStream.iterate(0, i -> i + 1)
                        .limit(11)
                        .mapToObj(i -> format.format(from + (to - from) * i / 10)))
                .doesNotHaveDuplicates();
    }

    /** Skips a test where nothing can be drawn. */
    static void assumeFonts() {
        assumeThat(Charts.lines("loss", "epoch", Map.of("loss", new double[] {1, 2})))
                .as("fonts")
                .isPresent();
    }

    @Test
    void chartsAreTheSameInEveryLocale() {
        assumeFonts();
        Map<String, double[]> series = Map.of("loss", new double[] {1.5, 1.2, 0.9, 0.4});
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.ROOT);
            Optional<byte[]> expected = Charts.lines("loss", "epoch", series);
            Locale.setDefault(Locale.forLanguageTag("ar-SA-u-nu-arab"));
            assertThat(Charts.lines("loss", "epoch", series).orElseThrow()).isEqualTo(expected.orElseThrow());
        } finally {
            Locale.setDefault(before);
        }
    }

    /** Java 17 throws an InternalError without fonts, later ones a RuntimeException, which ended a training. */
    @Test
    void whatCannotBeDrawnIsLeftOut() {
        assertThat(Charts.png(() -> {
                    throw new RuntimeException("Fontconfig head is null, check your fonts or fonts configuration");
                }))
                .isEmpty();
        assertThat(Charts.png(() -> {
                    throw new InternalError("java.lang.reflect.InvocationTargetException");
                }))
                .isEmpty();
    }

    @Test
    void aChartNeedsNoTemporaryFile(@TempDir Path root) throws IOException {
        Path gone = Files.createDirectory(root.resolve("gone"));
        boolean before = ImageIO.getUseCache();
        File folder = ImageIO.getCacheDirectory();
        try {
            ImageIO.setUseCache(true);
            ImageIO.setCacheDirectory(gone.toFile());
            Files.delete(gone);
            assertThat(Charts.png(() -> new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB)))
                    .isPresent();
        } finally {
            ImageIO.setCacheDirectory(folder);
            ImageIO.setUseCache(before);
        }
    }

    @ParameterizedTest
    @CsvSource({"0", "1e-300"})
    void aRangeOfNothingHasAsManyDecimalsAsADouble(double range) {
        assertThat(Charts.pattern(range)).isEqualTo("0.000000000000000");
    }
}
