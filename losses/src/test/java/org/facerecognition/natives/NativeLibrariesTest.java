package org.facerecognition.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {
    @TempDir
    Path folder;

    /** What the child process uses first. */
    private enum Order {
        LIBRARY_FIRST,
        JAVACPP_FIRST
    }

    /** A process that prints what it finds out about JavaCPP. */
    static final class Child {
        public static void main(String[] args) {
            if (Order.valueOf(args[0]) == Order.JAVACPP_FIRST) {
                new BytePointer(1L).close();
            }
            for (int i = 0; i < 2; i++) {
                try {
                    NativeLibraries.load();
                } catch (IllegalStateException e) {
                    System.out.println(e.getMessage());
                    System.setProperty("org.bytedeco.javacpp.cachedir", args[1]);
                }
            }
            System.out.println(Pointer.maxPhysicalBytes() + " " + System.getProperty(NativeLibraries.MEMORY_LIMIT) + " "
                    + NativeLibraries.memoryLimit().isPresent());
        }
    }

    private List<String> run(Order order, String... jvmOptions) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path")));
        command.addAll(List.of(jvmOptions));
        command.addAll(List.of(
                Child.class.getName(), order.name(), folder.resolve("cache").toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        return process.inputReader().lines().toList();
    }

    @Test
    void removesTheMemoryLimitAndRestoresTheProperties() throws IOException {
        assertThat(run(Order.LIBRARY_FIRST, "-Xmx64m")).containsExactly("0 null false");
    }

    @Test
    void keepsALimitThatTheProgramSets() throws IOException {
        assertThat(run(Order.LIBRARY_FIRST, "-Dorg.bytedeco.javacpp.maxPhysicalBytes=3g"))
                .containsExactly((3L << 30) + " 3g true");
    }

    @Test
    void warnsOnceIfJavaCppWasUsedBefore() throws IOException {
        List<String> lines = run(Order.JAVACPP_FIRST, "-Xmx64m");
        assertThat(lines)
                .filteredOn(line -> line.contains("OutOfMemoryError"))
                .singleElement()
                .asString()
                .endsWith("JavaCPP throws OutOfMemoryError once the whole process uses 256 MiB; start the JVM"
                        + " with -Dorg.bytedeco.javacpp.maxPhysicalBytes=0, or use this library before other classes of"
                        + " JavaCPP");
        assertThat(lines).last().isEqualTo((256L << 20) + " null true");
    }

    @Test
    void explainsAMissingCacheFolderAndRecoversWhenThereIsOne() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        assertThat(run(Order.LIBRARY_FIRST, unwritable(file)))
                .containsExactly(
                        "JavaCPP's library cannot be unpacked to JavaCPP's cache folder (make room there, or name"
                                + " one that this user may write to with -Dorg.bytedeco.javacpp.cachedir=DIR): Could"
                                + " not create the cache: Set the \"org.bytedeco.javacpp.cachedir\" system property.",
                        "0 null false");
    }

    /** No user can create a folder inside a file. */
    private static String[] unwritable(Path file) {
        return new String[] {
            "-Dorg.bytedeco.javacpp.cachedir=" + file, "-Duser.home=" + file, "-Djava.io.tmpdir=" + file
        };
    }

    @Test
    void explainsMissingLibrariesAndAFullDisk() {
        assertThat(NativeLibraries.explain(
                        "OpenCV", new UnsatisfiedLinkError("no jniopencv_core in java.library.path")))
                .isEqualTo(
                        "OpenCV cannot be loaded: no jniopencv_core in java.library.path; check that the class path has"
                                + " the natives of this platform, one set only");
        String noRoom =
                "OpenCV cannot be unpacked to JavaCPP's cache folder (make room there, or name one that this user"
                        + " may write to with"
                        + " -Dorg.bytedeco.javacpp.cachedir=DIR): No space left on device";
        IOException cause = new IOException("No space left on device");
        assertThat(NativeLibraries.explain("OpenCV", new UnsatisfiedLinkError().initCause(cause)))
                .isEqualTo(noRoom);
        Throwable secondTime = new NoClassDefFoundError(
                        "Could not initialize class org.bytedeco.opencv.opencv_core.Mat")
                .initCause(
                        new ExceptionInInitializerError("Exception java.lang.UnsatisfiedLinkError: java.io.IOException:"
                                + " No space left on device [in thread \"main\"]"));
        assertThat(NativeLibraries.explain("OpenCV", secondTime)).isEqualTo(noRoom);
        assertThat(NativeLibraries.explain("OpenCV", new IllegalCallerException("Illegal native access from ...")))
                .as("Java 24 and later with --illegal-native-access=deny")
                .isEqualTo("OpenCV cannot be loaded, because Java denies native access; start it with"
                        + " --enable-native-access=ALL-UNNAMED");
        Throwable missing = new NoClassDefFoundError("com/example/Csv");
        assertThat(NativeLibraries.explain("a native library", missing))
                .isEqualTo("the class com.example.Csv is missing; check that the class path has all libraries that the"
                        + " build lists");
        assertThat(NativeLibraries.explain("OpenCV", new ClassNotFoundException("org.bytedeco.opencv.opencv_core.Mat")))
                .startsWith("OpenCV cannot be loaded: ");
    }

    @Test
    void listsThePathsOfMappedFiles() throws IOException {
        Path maps = Files.write(
                folder.resolve("maps"),
                List.of(
                        "7f3a00000000-7f3a00021000 rw-p 00000000 00:00 0 ",
                        "7f3a1c000000-7f3a1c100000 r--p 00000000 08:01 42   /tmp/a folder/libtorch_cpu.so",
                        "7f3a1c100000-7f3a1c200000 r-xp 00100000 08:01 42   /tmp/a folder/libtorch_cpu.so",
                        "7f3a1d000000-7f3a1d100000 r--p 00000000 08:01 43   /tmp/libjnitorch.so (deleted)"));
        assertThat(LibtorchOwner.mappedFiles(maps))
                .containsExactly("/tmp/a folder/libtorch_cpu.so", "/tmp/libjnitorch.so");
        assertThat(LibtorchOwner.mappedFiles(folder.resolve("absent"))).isEmpty();
    }

    @Test
    void rejectsLibtorchLoadedByAnotherLibrary() {
        LibtorchOwner.checkMapped(List.of("/tmp/libjnijavacpp.so", "/tmp/libtorchaudio.so"));
        assertThatThrownBy(
                        () -> LibtorchOwner.checkMapped(List.of("/djl/2.7.1/libc10.so", "/djl/2.7.1/libtorch_cpu.so")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("another library has loaded a libtorch of its own into this process"
                        + " (/djl/2.7.1/libtorch_cpu.so), and a process can have only one; run one of the two in a JVM of"
                        + " its own");
        assertThatThrownBy(() -> LibtorchOwner.checkMapped(List.of("/a/libtorch_cpu.so", "/a/libjnitorch0.so")))
                .hasMessageStartingWith(
                        "libtorch is loaded already by another class loader of this JVM (/a/libjnitorch0.so)");
    }

    @Test
    void explainsACacheFolderWithoutExecutePermission() {
        Throwable failure = new UnsatisfiedLinkError(
                "/cache/libjnitorch.so: libc10.so: failed to map segment from shared object: Operation not permitted");
        assertThat(NativeLibraries.explain("libtorch", failure))
                .isEqualTo("libtorch cannot be loaded, because JavaCPP's cache folder does not allow execution"
                        + " (name another with -Dorg.bytedeco.javacpp.cachedir=DIR): " + failure.getMessage());
    }

    /** Otherwise a failed load would keep an application out even after it was repaired. */
    @Test
    void removesTheMarkIfNothingWasLoaded() {
        Libtorch.load();
        String mark = System.getProperty(LibtorchOwner.MARK);
        assertThat(mark).isNotNull();
        try {
            LibtorchOwner.release(List.of()); // not Linux: unknown
            LibtorchOwner.release(List.of("/lib/libc.so.6", "/cache/libjnitorch.so"));
            LibtorchOwner.release();
            assertThat(System.getProperty(LibtorchOwner.MARK)).isEqualTo(mark);
            LibtorchOwner.release(List.of("/lib/libc.so.6"));
            assertThat(System.getProperty(LibtorchOwner.MARK)).isNull();
        } finally {
            System.setProperty(LibtorchOwner.MARK, mark);
        }
    }

    @Test
    void describesClassLoadersInOneLine() {
        assertThat(LibtorchOwner.name(null)).isEqualTo("the boot class loader");
        assertThat(LibtorchOwner.name(getClass().getClassLoader())).isEqualTo("AppClassLoader 'app'");
        ClassLoader serverLoader = new ClassLoader(null) {
            @Override
            public String toString() {
                return "ParallelWebappClassLoader\r\n  context: shop\r\n  delegate: false\r\n";
            }
        };
        assertThat(LibtorchOwner.name(serverLoader))
                .isEqualTo("ParallelWebappClassLoader context: shop delegate: false");
    }
}
