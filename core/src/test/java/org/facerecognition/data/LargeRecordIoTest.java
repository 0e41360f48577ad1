package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A training set of a million images, which are records without content, ten of each identity. */
class LargeRecordIoTest {
    private static final int IMAGES = 1_000_000;
    private static final int IMAGES_EACH = 10;
    private static final int RECORD_BYTES = 8 + 24; // magic and length; flag, label and two ids

    @TempDir
    private static Path folder;

    @BeforeAll
    static void write() throws IOException {
        write(folder, IMAGES);
    }

    /** Writes images whose labels are mixed, as after a shuffle. */
    private static void write(Path folder, int images) throws IOException {
        int people = images / IMAGES_EACH;
        try (DataOutputStream records = new DataOutputStream(
                        new BufferedOutputStream(Files.newOutputStream(folder.resolve("train.rec")), 1 << 20));
                PrintWriter index = new PrintWriter(Files.newBufferedWriter(folder.resolve("train.idx")))) {
            for (int i = 0; i < images; i++) {
                records.writeInt(Integer.reverseBytes(0xced7230a));
                records.writeInt(Integer.reverseBytes(24));
                records.writeInt(0);
                records.writeInt(Integer.reverseBytes(Float.floatToIntBits((float) (i % people))));
                records.writeLong(0);
                records.writeLong(0);
                index.print(i + 1);
                index.print('\t');
                index.println((long) RECORD_BYTES * i);
            }
        }
    }

    /** Prints how many images and labels were read; and with a number, writes as many images first. */
    static final class Reader {
        private Reader() {}

        public static void main(String[] args) throws IOException {
            Path folder = Path.of(args[0]);
            if (args.length > 1) {
                write(folder, Integer.parseInt(args[1]));
            }
            long start = System.nanoTime();
            FaceDataset faces = FaceDataset.recordIo(folder, Split.TRAIN, 0.2, 0, 0);
            FaceDataset fewer = faces.withAtMost(5).withAtLeast(5);
            long labels = IntStream.of(faces.labels()).distinct().count();
            System.out.println(faces.size() + " " + fewer.size() + " " + labels);
            System.err.printf("read in %.1f s%n", (System.nanoTime() - start) / 1e9);
        }
    }

    /** With an object for each image and each line of the index, it would need 200 MB. */
    @Test
    void needsAFewBytesForEachImage() throws IOException, InterruptedException {
        read(folder, "-Xmx96m");
    }

    /** With an object for each key and each offset, it would need 100 MB. */
    @Test
    void needsAFewBytesForEachLineOfAnIndexThatIsNotSorted(@TempDir Path reversed)
            throws IOException, InterruptedException {
        Files.createLink(reversed.resolve("train.rec"), folder.resolve("train.rec"));
        try (PrintWriter index = new PrintWriter(Files.newBufferedWriter(reversed.resolve("train.idx")))) {
            for (int i = IMAGES; i-- > 0; ) {
                index.print(i + 1);
                index.print('\t');
                index.println((long) RECORD_BYTES * i);
            }
        }
        read(reversed, "-Xmx72m");
    }

    private static void read(Path folder, String heap) throws IOException, InterruptedException {
        Process reader = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        heap,
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Reader.class.getName(),
                        folder.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(reader.getInputStream().readAllBytes());
        assertThat(reader.waitFor()).as(output).isZero();
        assertThat(output).contains("800000 500000 100000");
    }

    @Test
    void imagesAreThoseOfTheIndexByIdentity() {
        FaceDataset train = FaceDataset.recordIo(folder, Split.TRAIN, 0.2, 0, 7);
        FaceDataset validation = FaceDataset.recordIo(folder, Split.VAL, 0.2, 0, 7);
        assertThat(train.size() + validation.size()).isEqualTo(IMAGES);
        assertThat(train.classes()).isEqualTo(IMAGES / IMAGES_EACH);
        List<String> names = new ArrayList<>();
        for (FaceDataset part : List.of(train, validation)) {
            for (LabeledImage image : part.withIdentities(List.of("99999", "3")).images()) {
                String name = image.image().name();
                names.add(image.label() + " " + name.substring(name.lastIndexOf(' ') + 1));
            }
        }
        assertThat(names)
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, IMAGES)
                        .filter(i -> i % 100_000 == 99_999 || i % 100_000 == 3)
                        .mapToObj(i -> (i % 100_000 == 3 ? 1 : 0) + " " + (i + 1))
                        .toList());
        assertThat(train.with(validation).images().get(train.size()).image().name())
                .isEqualTo(validation.images().get(0).image().name());
        assertThat(validation.without(Set.of(0)).images().get(0).image().name())
                .isEqualTo(validation.images().get(1).image().name());
    }
}
