package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** A child process that enrolls people and prints what was acknowledged, until it is done or killed. */
final class EnrollingChild {
    static final int DIMENSION = 32;
    static final int BATCH = 300;

    private EnrollingChild() {}

    // ---- in the parent process ----

    /** Starts a child process; see {@link #main} for {@code first} and {@code count}. */
    static Process start(Path file, int first, int count, String... prefix) throws IOException {
        List<String> command = new ArrayList<>(List.of(prefix));
        command.addAll(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                EnrollingChild.class.getName(),
                file.toString(),
                Integer.toString(first),
                Integer.toString(count)));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** Waits for a child process and returns the last line that it printed. */
    static String lastLine(Process process) throws Exception {
        String last = "";
        try (BufferedReader out = process.inputReader()) {
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                last = line;
            }
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return last;
    }

    /** Adds the people of a printed line to those acknowledged; a truncated line is ignored. */
    static void parse(String line, Set<Integer> acknowledged) {
        assertThat(line).isNotNull().doesNotStartWith("error");
        if (line.endsWith(";")) {
            String[] numbers = line.replace(";", "").split(" ");
            for (int i = 0; i < Integer.parseInt(numbers[1]); i++) {
                acknowledged.add(Integer.parseInt(numbers[0]) + i);
            }
        }
    }

    /** Asserts that a gallery contains all acknowledged people, and that every entry is intact and occurs once. */
    static void assertAllEnrolled(Path file, Set<Integer> acknowledged) {
        try (Gallery gallery = Gallery.openReadOnly(file, "model", DIMENSION, SearchMethod.EXACT)) {
            Set<Integer> enrolled = new HashSet<>();
            for (Entry entry : gallery.entries()) {
                int number = Integer.parseInt(entry.identity().substring("person ".length()));
                Enrollment expected = enrollment(number);
                float[] unit = UnitVector.of(expected.embedding(), DIMENSION, "expected");
                boolean intact = expected.note().equals(entry.note())
                        && Arrays.equals(gallery.embedding(entry.id()).orElseThrow(), unit);
                assertThat(intact).as("%d is intact", number).isTrue();
                assertThat(enrolled.add(number)).as("%d occurs once", number).isTrue();
            }
            acknowledged.forEach(number -> assertThat(enrolled.contains(number))
                    .as("%d is enrolled", number)
                    .isTrue());
        }
    }

    // ---- in the child process ----

    /**
     * Arguments: file, first round, number of rounds. Every second round enrolls a batch, the others one person; every
     * third round ends with a compaction.
     */
    public static void main(String[] args) {
        int first = Integer.parseInt(args[1]);
        int rounds = Integer.parseInt(args[2]);
        try (Gallery gallery = Gallery.open(Path.of(args[0]), "model", DIMENSION)) {
            for (int round = first; round < first + rounds; round++) {
                int from = round * BATCH;
                int count = round % 2 == 1 ? BATCH : 1;
                gallery.enroll(enrollments(from, count));
                System.out.println(from + " " + count + ";"); // a line without the semicolon was truncated
                System.out.flush();
                if (round % 3 == 2) {
                    gallery.compact();
                }
            }
        } catch (GalleryException e) {
            System.out.println("error: " + e.getMessage());
            System.exit(1);
        }
    }

    private static List<Enrollment> enrollments(int from, int count) {
        return IntStream.range(from, from + count)
                .mapToObj(EnrollingChild::enrollment)
                .toList();
    }

    /** Returns an enrollment that is a function of a number, so that a reader can tell whether it is intact. */
    static Enrollment enrollment(int number) {
        return new Enrollment("person " + number, TestFaces.direction(number, DIMENSION), "n".repeat(1 + number % 50));
    }
}
