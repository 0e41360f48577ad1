package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the example programs {@code Step1_...} to {@code Step9_...} one after another, each with the folder of those
 * before it. The comment at the end of each file is what it prints; numbers with decimal places differ between
 * processors and are not compared. Rewrites the comments with {@code -Dtests.writeGolden=true}.
 */
class StepsTest {
    private static final Locale LOCALE = Locale.getDefault();
    private static int threads;

    /** Their figures are those of the comments where people write digits and commas of their own, too. */
    @BeforeAll
    static void useDigitsOfAnotherCountry() {
        Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
    }

    @AfterAll
    static void useTheFormerDigits() {
        Locale.setDefault(LOCALE);
    }

    /** The number of threads with which the comments were written: a decision near the threshold depends on it. */
    @BeforeAll
    static void useTwoThreads() {
        Libtorch.load();
        threads = torch.get_num_threads();
        torch.set_num_threads(2);
    }

    @AfterAll
    static void useAsManyAsBefore() {
        torch.set_num_threads(threads);
    }

    private static final Path SOURCES = Path.of("src/main/java/org/facerecognition/examples");
    private static final Pattern OUTPUT = Pattern.compile("\n/\\* Prints:\n(.*?) \\*/\n$", Pattern.DOTALL);

    @TestFactory
    Stream<DynamicTest> printWhatTheirCommentsSay(@TempDir Path folder) throws Exception {
        List<Path> steps;
        try (Stream<Path> files = Files.list(SOURCES)) {
            steps = files.filter(file -> file.getFileName().toString().matches("Step\\d_.*\\.java"))
                    .sorted()
                    .toList();
        }
        assertThat(steps).hasSize(9);
        return steps.stream()
                .map(step -> DynamicTest.dynamicTest(step.getFileName().toString(), () -> check(step, folder)));
    }

    private static void check(Path step, Path folder) throws Exception {
        String printed = run(step.getFileName().toString().replace(".java", ""), folder);
        String source = Files.readString(step);
        if (Boolean.getBoolean("tests.writeGolden")) {
            String comment = printed.lines().map(line -> " * " + line + "\n").reduce("", String::concat);
            source = OUTPUT.matcher(source).replaceAll("") + "\n/* Prints:\n" + comment + " */\n";
            Files.writeString(step, source);
        }
        Matcher output = OUTPUT.matcher(source);
        assertThat(output.find())
                .as("a comment with the output at the end of %s", step)
                .isTrue();
        assertThat(withoutDecimals(printed))
                .isEqualTo(withoutDecimals(output.group(1).replaceAll("(?m)^ \\* ", "")));
    }

    private static String run(String step, Path folder) throws Exception {
        PrintStream console = System.out;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            Class.forName("org.facerecognition.examples." + step)
                    .getMethod("main", String[].class)
                    .invoke(null, (Object) new String[] {folder.toString()});
        } finally {
            System.setOut(console);
        }
        return printed.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }

    private static String withoutDecimals(String text) {
        return text.replaceAll("-?\\d+\\.\\d+(e-?\\d+)?", "#");
    }
}
