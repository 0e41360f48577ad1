package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.Stream;

/** People whose data is a function of a number, and the search for traces of them on the disk. */
final class Traces {
    private static final int FLOATS_SEARCHED = 2; // two consecutive values identify an embedding

    private Traces() {}

    static String name(int person) {
        return "person-" + person + "-name";
    }

    private static String note(int person) {
        return "note-of-" + person + "-" + "x".repeat(person % 700) + ".jpg";
    }

    private static String contentKey(int person) {
        return "key-" + person + "-sha256";
    }

    static Enrollment enrollment(int person, int dimension) {
        return new Enrollment(name(person), TestFaces.direction(person, dimension), note(person), contentKey(person));
    }

    static int person(Entry entry) {
        return Integer.parseInt(entry.identity().split("-")[1]);
    }

    /** Returns whether an entry is as it was enrolled. */
    static boolean isIntact(Entry entry, Gallery gallery, int dimension) {
        int person = person(entry);
        float[] unit = UnitVector.of(TestFaces.direction(person, dimension), dimension, "expected");
        return name(person).equals(entry.identity())
                && note(person).equals(entry.note())
                && contentKey(person).equals(entry.contentKey())
                && Arrays.equals(gallery.embedding(entry.id()).orElseThrow(), unit);
    }

    /** Asserts that no file below a folder contains names, notes, keys or embeddings of these people. */
    static void assertErased(Path folder, Collection<Integer> people, int dimension) throws IOException {
        if (people.isEmpty()) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
                for (int person : people) {
                    for (String trace : traces(person, dimension)) {
                        assertThat(bytes.contains(trace))
                                .as("%s contains data of person %d", file, person)
                                .isFalse();
                    }
                }
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static List<String> traces(int person, int dimension) {
        float[] unit = UnitVector.of(TestFaces.direction(person, dimension), dimension, "trace");
        Stream<String> values = Stream.iterate(0, i -> i + FLOATS_SEARCHED <= dimension, i -> i + FLOATS_SEARCHED)
                .map(i -> {
                    ByteBuffer bytes =
                            ByteBuffer.allocate(Float.BYTES * FLOATS_SEARCHED).order(ByteOrder.LITTLE_ENDIAN);
                    for (int j = 0; j < FLOATS_SEARCHED; j++) {
                        bytes.putFloat(unit[i + j]);
                    }
                    return new String(bytes.array(), StandardCharsets.ISO_8859_1);
                });
        return Stream.concat(Stream.of(name(person), "note-of-" + person + "-", contentKey(person)), values)
                .toList();
    }
}
