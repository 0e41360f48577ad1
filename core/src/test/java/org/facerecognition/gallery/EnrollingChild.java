package org.facerecognition.gallery;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** Enrolls in a process of its own, and prints what is acknowledged, to be killed from outside. */
final class EnrollingChild {
    static final int DIMENSION = 32;
    static final int BATCH = 300;

    private EnrollingChild() {}

    /** Arguments: file, first turn, how many turns. Every second is a batch, every third ends with a compaction. */
    public static void main(String[] args) {
        int first = Integer.parseInt(args[1]);
        int turns = Integer.parseInt(args[2]);
        try (Gallery gallery = Gallery.open(Path.of(args[0]), "model", DIMENSION)) {
            for (int turn = first; turn < first + turns; turn++) {
                int from = turn * BATCH;
                int count = turn % 2 == 1 ? BATCH : 1;
                gallery.enroll(enrollments(from, count));
                System.out.println(from + " " + count + ";"); // without its end it was cut off
                System.out.flush();
                if (turn % 3 == 2) {
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

    /** All of it a function of the number, so that whoever reads it can tell whether it is whole. */
    static Enrollment enrollment(int number) {
        return new Enrollment("person " + number, TestFaces.direction(number, DIMENSION), "n".repeat(1 + number % 50));
    }
}
