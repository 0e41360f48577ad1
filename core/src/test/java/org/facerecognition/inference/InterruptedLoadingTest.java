package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.data.Crop;
import org.facerecognition.data.ImageReader;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.SearchMethod;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Threads that are interrupted while they are the first of a process to need a native library. */
class InterruptedLoadingTest {
    @TempDir
    Path cache;

    /** Loads oneDNN, OpenCV and OpenBLAS on a thread that is interrupted all the time, then uses them again. */
    static final class Child {
        private Child() {}

        public static void main(String[] args) throws InterruptedException {
            Thread first = new Thread(Child::use);
            first.start();
            while (first.isAlive()) {
                first.interrupt();
                first.join(1);
            }
            use();
        }

        private static void use() {
            Thread caller = Thread.currentThread();
            boolean isFast = PreparedNet.isFast(ScalarType.Float);
            try (Gallery gallery = Gallery.inMemory("model", 2, SearchMethod.RABITQ)) { // OpenCV loads OpenBLAS too
                gallery.enroll("Ann", new float[] {1, 0});
                gallery.identify(new float[] {0, 1}, 1, 0.5);
            } catch (RuntimeException | LinkageError e) {
                System.out.println(e);
            }
            try (Mat image = ImageReader.from(new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB));
                    Mat resized = Crop.WHOLE.apply(image, 2, "image");
                    Mat face = new SyntheticFaces(0, 112).image(0, 0)) {
                System.out.println(
                        "fast " + isFast + ", face " + face.cols() + ", interrupted " + caller.isInterrupted());
            } catch (RuntimeException | LinkageError e) {
                System.out.println(e);
            }
        }
    }

    /** Earlier, none of them could be used until the process ended: their classes could not be initialized. */
    @Test
    void librariesAreLoadedAllTheSame() throws IOException {
        boolean isFast = PreparedNet.isFast(ScalarType.Float);
        assertThat(run("-Dorg.bytedeco.javacpp.cachedir=" + cache))
                .filteredOn(line -> line.startsWith("fast") || line.contains("Exception") || line.contains("Error"))
                .containsExactly(
                        "fast " + isFast + ", face 112, interrupted true",
                        "fast " + isFast + ", face 112, interrupted false");
    }

    /** Also if it is oneDNN that needs OpenMP first, in a process that will train later. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void threadsSpinBriefly() throws IOException {
        assertThat(run("-Dunused=true"))
                .filteredOn(line -> line.contains("GOMP_SPINCOUNT ="))
                .singleElement()
                .asString()
                .contains("= '10000'");
    }

    private static List<String> run(String option) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        option,
                        Child.class.getName())
                .redirectErrorStream(true);
        Map<String, String> environment = builder.environment();
        environment.keySet().removeAll(Set.of("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"));
        environment.put("OMP_DISPLAY_ENV", "verbose");
        return builder.start().inputReader().lines().toList();
    }
}
