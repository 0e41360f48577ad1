package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/**
 * The library in several class loaders of one JVM, as in a server that reloads applications: the second one aborted the
 * JVM. Each test is in a JVM of its own.
 */
class ClassLoadersTest {
    private static final String REFUSED =
            " is loaded already by another class loader of this JVM (URLClassLoader 'first'),"
                    + " and a process can load it only once, even after that class loader is closed; put the library's jars and"
                    + " JavaCPP's into the server's shared class loader (Tomcat: lib/), or run the application in a JVM of its own";

    private enum Case {
        IN_A_ROW,
        BARE_FIRST,
        SHARED_JAVACPP
    }

    /** What runs in the JVM of a test. */
    static final class Child {
        public static void main(String[] args) throws Exception {
            switch (Case.valueOf(args[0])) {
                case IN_A_ROW -> inARow();
                case BARE_FIRST -> bareFirst();
                case SHARED_JAVACPP -> sharedJavaCpp();
            }
            System.exit(0);
        }

        /** Four at the same time; when the one that has it is closed, and as far gone as it can be, another one. */
        private static void inARow() throws Exception {
            CyclicBarrier start = new CyclicBarrier(4);
            ExecutorService threads = Executors.newFixedThreadPool(4);
            List<URLClassLoader> loaders = new ArrayList<>();
            List<Future<List<String>>> answers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                loaders.add(loader("first", ClassLoader.getPlatformClassLoader(), true, true));
                Callable<List<String>> probe = probe(loaders.get(i), LoaderProbe.Loads.class);
                answers.add(threads.submit(() -> {
                    start.await();
                    return probe.call();
                }));
            }
            for (int i = 0; i < 4; i++) {
                System.out.println("race " + answers.get(i).get().get(0));
                if (answers.get(i).get().get(0).endsWith(": done")) {
                    call(loaders.get(i), LoaderProbe.class);
                }
            }
            for (URLClassLoader loader : loaders) {
                loader.close();
            }
            threads.shutdown();
            loaders.clear();
            answers.clear();
            System.gc();
            call(loader("second", ClassLoader.getPlatformClassLoader(), true, true), LoaderProbe.class);
        }

        private static void bareFirst() throws Exception {
            call(loader("bare", ClassLoader.getPlatformClassLoader(), true, true), LoaderProbe.Bare.class);
            call(loader("second", ClassLoader.getPlatformClassLoader(), true, true), LoaderProbe.Loads.class);
        }

        private static void sharedJavaCpp() throws Exception {
            URLClassLoader shared = loader("shared", ClassLoader.getPlatformClassLoader(), true, false);
            call(loader("first", shared, false, true), LoaderProbe.class);
            call(loader("second", shared, false, true), LoaderProbe.class);
        }

        private static void call(ClassLoader loader, Class<?> probe) throws Exception {
            probe(loader, probe)
                    .call()
                    .forEach(line -> System.out.println(((URLClassLoader) loader).getName() + " " + line));
        }

        @SuppressWarnings("unchecked")
        private static Callable<List<String>> probe(ClassLoader loader, Class<?> probe) throws Exception {
            return (Callable<List<String>>)
                    loader.loadClass(probe.getName()).getDeclaredConstructor().newInstance();
        }

        /** @param javacpp whether it has JavaCPP's jars; @param rest whether it has the others */
        private static URLClassLoader loader(String name, ClassLoader parent, boolean javacpp, boolean rest)
                throws IOException {
            List<URL> urls = new ArrayList<>();
            for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
                if (entry.contains("bytedeco") ? javacpp : rest) {
                    urls.add(Path.of(entry).toUri().toURL());
                }
            }
            return new URLClassLoader(name, urls.toArray(URL[]::new), parent);
        }
    }

    private static List<String> run(Case what) throws IOException, InterruptedException {
        List<String> command = List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                what.name());
        Path errors = Files.createTempFile("class-loaders", ".txt");
        try {
            Process process =
                    new ProcessBuilder(command).redirectError(errors.toFile()).start();
            List<String> lines = process.inputReader().lines().toList();
            assertThat(process.waitFor())
                    .as(() -> lines + " " + String.join("\n", lines(errors)))
                    .isZero();
            return lines;
        } finally {
            Files.delete(errors);
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            return List.of(e.toString());
        }
    }

    @Test
    void oneOfSeveralClassLoadersHasItAndOthersAreRefusedByEachWayIntoTheLibraryEachTime() throws Exception {
        List<String> lines = run(Case.IN_A_ROW);
        assertThat(lines).containsOnlyOnce("race Libtorch: done");
        assertThat(lines)
                .filteredOn(line -> line.equals("race Libtorch: libtorch" + REFUSED))
                .hasSize(3);
        assertThat(lines)
                .filteredOn(line -> line.startsWith("first "))
                .hasSize(22)
                .allSatisfy(line -> assertThat(line)
                        .satisfiesAnyOf(
                                done -> assertThat(done).endsWith(": done"),
                                word -> assertThat(word).contains("ComputeDevice: "),
                                absent -> assertThat(absent).endsWith("weights file absent.pt does not exist")));
        assertThat(lines).contains("second Gallery: done"); // which needs no libtorch
        assertThat(lines)
                .filteredOn(line -> line.startsWith("second ") && !line.equals("second Gallery: done"))
                .hasSize(20)
                .allSatisfy(line -> assertThat(line).endsWith(": libtorch" + REFUSED));
    }

    @Test
    void seesALibtorchThatJavaCppHasLoadedWithoutThisLibrary() throws Exception {
        assumeThat(Path.of("/proc/self/maps")).exists();
        List<String> lines = run(Case.BARE_FIRST);
        assertThat(lines).hasSize(2).startsWith("bare bare: done");
        assertThat(lines.get(1))
                .startsWith("second Libtorch: libtorch is loaded already by another class loader of this JVM (/")
                .contains("libjnitorch.so), and a process can load it only once");
    }

    /** The way out that the sentence names. */
    @Test
    void servesSeveralApplicationsThatShareJavaCppsClassLoader() throws Exception {
        assertThat(run(Case.SHARED_JAVACPP))
                .filteredOn(line -> Arrays.asList("first Recognizer: done", "second Recognizer: done")
                        .contains(line))
                .hasSize(4);
    }
}
