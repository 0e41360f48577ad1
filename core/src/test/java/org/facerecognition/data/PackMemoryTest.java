package org.facerecognition.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packs of many images in a small heap: their index needs it once, and not more than a reader has. */
class PackMemoryTest {
    @TempDir
    private Path folder;

    private record Numbered(int number) implements ImageSource {
        @Override
        public String name() {
            return String.format("person %07d/image %07d.jpg", number, number);
        }

        @Override
        public Mat read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public byte[] encoded() {
            return new byte[] {1};
        }
    }

    /** Packs as many images as it is told, and reads them. */
    static final class Packer {
        private Packer() {}

        public static void main(String[] args) {
            int count = Integer.parseInt(args[1]);
            List<LabeledImage> images = new ImageList(count, i -> new LabeledImage(new Numbered(i), 0));
            FaceDataset faces = FaceDataset.of(images, List.of("Ann"), Split.TRAIN, Crop.WHOLE);
            Path file = Path.of(args[0], "faces.pack");
            int[] packed = new int[1];
            try {
                PackedFaces.write(file, List.of(faces), 0, done -> packed[0] = done);
                System.out.println(
                        "packed " + FaceDataset.packed(file, Split.TRAIN).size());
            } catch (DataException e) {
                System.out.println("after " + packed[0] + " images: " + e.getMessage());
            }
        }
    }

    private String pack(int images) throws IOException, InterruptedException {
        Process packer = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx48m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Packer.class.getName(),
                        folder.toString(),
                        Integer.toString(images))
                .redirectErrorStream(true)
                .start();
        String output = new String(packer.getInputStream().readAllBytes());
        packer.waitFor();
        return output;
    }

    /** The index was there twice, in a buffer of twice its size and as a copy. */
    @Test
    void theIndexIsInMemoryOnce() throws IOException, InterruptedException {
        assertThat(pack(250_000)).contains("packed 250000");
    }

    @Test
    void anIndexThatDoesNotFitIsRejectedBeforeTheFirstImage() throws IOException, InterruptedException {
        assertThat(pack(400_000))
                .contains("after 0 images: the index of a pack must have at most 23 MiB (half of Java's memory, up to"
                        + " 1 GiB), but that of so many images and people has more; divide it into at least 2 files"
                        + " with --shards");
    }
}
