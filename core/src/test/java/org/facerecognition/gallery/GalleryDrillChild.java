package org.facerecognition.gallery;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A child process that enrolls, removes and compacts until it is killed. It prints each change before it starts, and
 * the length of the file once the change is acknowledged.
 */
final class GalleryDrillChild {
    static final int DIMENSION = 24;
    private static final int CHANGES = 100_000;
    private static final int MAX_BATCH = 60;

    private GalleryDrillChild() {}

    /** Arguments: file, seed, first person who was never enrolled. */
    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]);
        Random random = new Random(Long.parseLong(args[1]));
        int next = Integer.parseInt(args[2]);
        try (Gallery gallery = Gallery.open(
                file, "model", DIMENSION, SearchMethod.values()[random.nextInt(SearchMethod.values().length)])) {
            print("open");
            List<Integer> people = new ArrayList<>();
            gallery.entries().forEach(entry -> people.add(Traces.person(entry)));
            for (int change = 0; change < CHANGES; change++) {
                int kind = random.nextInt(10);
                if (kind < 4 || people.isEmpty()) {
                    int count = kind < 2 ? 1 : 1 + random.nextInt(MAX_BATCH);
                    print("enroll " + next + " " + count);
                    gallery.enroll(IntStream.range(next, next + count)
                            .mapToObj(person -> Traces.enrollment(person, DIMENSION))
                            .toList());
                    IntStream.range(next, next + count).forEach(people::add);
                    next += count;
                } else if (kind < 9) {
                    int person = people.remove(random.nextInt(people.size()));
                    print("remove " + person + " 1");
                    gallery.remove(Traces.name(person));
                } else {
                    print("compact 0 0");
                    gallery.compact();
                }
                print("done " + Files.size(file) + " " + LogReader.header(file).id());
            }
        } catch (GalleryException e) {
            print("error: " + e.getMessage());
            System.exit(1);
        }
    }

    private static void print(String line) {
        System.out.println(line + ";"); // a line without the semicolon was truncated
        System.out.flush();
    }
}
