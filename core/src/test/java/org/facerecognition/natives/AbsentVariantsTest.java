package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.opencv.global.opencv_dnn;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Size;
import org.junit.jupiter.api.Test;

/** What JavaCPP asks the class path for before OpenCV is loaded, which decides how soon there is a first embedding. */
class AbsentVariantsTest {
    /** Loads OpenCV, by this library or by JavaCPP alone, and prints the libraries that are loaded then. */
    static final class Loads {
        private Loads() {}

        public static void main(String[] args) {
            if (args[0].equals("ours")) {
                NativeLibraries.load(opencv_imgproc.class, "OpenCV");
            }
            try (Size size = new Size(1, 2)) {
                opencv_imgproc.getGaussianKernel(3, size.width()).close();
            }
            if (args[0].equals("ours")) {
                NativeLibraries.load(opencv_dnn.class, "OpenCV");
            }
            opencv_dnn.enableModelDiagnostics(false);
            System.out.println(new TreeSet<>(Loader.getLoadedLibraries().keySet()));
        }
    }

    /** Runs {@link Loads} in a class loader that counts, and prints the number too. */
    static final class Child {
        private Child() {}

        public static void main(String[] args) throws ReflectiveOperationException, IOException {
            List<URL> classPath = new ArrayList<>();
            for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
                classPath.add(Path.of(entry).toUri().toURL());
            }
            AtomicInteger searches = new AtomicInteger();
            try (URLClassLoader loader =
                    new URLClassLoader(classPath.toArray(URL[]::new), ClassLoader.getPlatformClassLoader()) {
                        @Override
                        public Enumeration<URL> getResources(String name) throws IOException {
                            searches.incrementAndGet();
                            return super.getResources(name);
                        }
                    }) {
                Method main = Class.forName(Loads.class.getName(), true, loader).getMethod("main", String[].class);
                main.setAccessible(true);
                main.invoke(null, (Object) args);
            }
            System.out.println(searches);
        }
    }

    @Test
    void openCvIsFoundSoon() throws IOException {
        List<String> ours = run("ours");
        List<String> bare = run("bare");
        assertThat(ours.get(0)).as("loaded libraries").isEqualTo(bare.get(0)).contains("opencv_dnn");
        assertThat(Integer.parseInt(ours.get(1)))
                .as("searches of %s by JavaCPP alone", bare.get(1))
                .isLessThan(Integer.parseInt(bare.get(1)) / 4);
    }

    private static List<String> run(String mode) throws IOException {
        List<String> lines = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Child.class.getName(),
                        mode)
                .redirectErrorStream(true)
                .start()
                .inputReader()
                .lines()
                .toList();
        assertThat(lines).hasSize(2);
        return lines;
    }
}
