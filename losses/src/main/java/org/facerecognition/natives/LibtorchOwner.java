package org.facerecognition.natives;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/**
 * Records which class loader of this JVM has loaded libtorch. A process can load it only once: for a second class
 * loader, JavaCPP would load its library a second time, and libtorch's global state would abort the JVM. So this
 * library does not touch libtorch if another class loader or another library has loaded it.
 */
/*
 * All class loaders of a JVM share the system properties: the first one leaves a mark there, as text, because values of
 * other types break code that lists the properties. The mark identifies JavaCPP's class, not this one: applications
 * with jars of their own may share one JavaCPP, and then share libtorch.
 *
 * The mark stays for the life of the JVM. JavaCPP's deallocator thread keeps its class loader, and with it libtorch,
 * until the JVM ends, whatever a server does with the application.
 *
 * Code that loads libtorch without this library leaves no mark, but Linux lists the files that a process has mapped.
 * DJL's PyTorch engine, for example, brings a libtorch of another version; the two cannot share a process, whichever
 * comes first, because the second finds the libraries of the first under the names that it looks for.
 */
final class LibtorchOwner {
    /** The system property with the mark. */
    static final String MARK = "org.facerecognition.libtorch.owner";

    private static final Path MAPPED_FILES = Path.of("/proc/self/maps");
    private static final Pattern JAVACPP = Pattern.compile("/libjnitorch\\d*\\.so");
    private static final Pattern LIBTORCH = Pattern.compile("/libtorch(_cpu|_cuda)?\\.so");
    private static final int MAX_NAME_LENGTH = 120;

    private LibtorchOwner() {}

    /**
     * Checks that libtorch is not loaded yet, or by this class loader.
     *
     * @throws IllegalStateException if another class loader or another library has loaded libtorch
     */
    static void check() {
        String mark = System.getProperty(MARK);
        if (mark != null) {
            checkOwn(mark);
        } else if (!isLoadedHere()) {
            checkMapped(mappedFiles(MAPPED_FILES));
        }
    }

    static void checkMapped(List<String> files) {
        find(JAVACPP, files).ifPresent(file -> {
            throw ofAnotherLoader(file);
        });
        find(LIBTORCH, files).ifPresent(file -> {
            throw ofAnotherLibrary(file);
        });
    }

    /**
     * Leaves the mark. The caller loads libtorch next.
     *
     * @throws IllegalStateException if another class loader was faster
     */
    static void claim() {
        Object former = System.getProperties().putIfAbsent(MARK, mark());
        if (former != null) {
            checkOwn(former.toString());
        }
    }

    /** Removes the mark after loading has failed, if the mapped files show that no part of libtorch was loaded. */
    static void release() {
        release(mappedFiles(MAPPED_FILES));
    }

    static void release(List<String> files) {
        if (!files.isEmpty()
                && find(JAVACPP, files).isEmpty()
                && find(LIBTORCH, files).isEmpty()) {
            System.getProperties().remove(MARK, mark());
        }
    }

    private static void checkOwn(String mark) {
        if (!mark.equals(mark())) {
            throw ofAnotherLoader(mark.substring(mark.indexOf(' ') + 1));
        }
    }

    private static String mark() {
        return Integer.toHexString(System.identityHashCode(torch.class)) + " " + name(torch.class.getClassLoader());
    }

    static String name(ClassLoader loader) {
        if (loader == null) {
            return "the boot class loader";
        }
        String kind = loader.getClass().getSimpleName();
        String line = loader.getName() == null
                ? loader.toString().strip().replaceAll("\\s+", " ")
                : kind + " '" + loader.getName() + "'";
        return line.length() <= MAX_NAME_LENGTH ? line : line.substring(0, MAX_NAME_LENGTH) + "...";
    }

    private static boolean isLoadedHere() {
        return Loader.getLoadedLibraries().keySet().stream().anyMatch(name -> name.startsWith("jnitorch"));
    }

    // ---- mapped files ----

    /** Returns the paths in Linux's list of mapped files; none if there is no such list. */
    static List<String> mappedFiles(Path maps) {
        return Uninterrupted.get(() -> paths(maps));
    }

    private static List<String> paths(Path maps) {
        try (Stream<String> lines = Files.lines(maps, StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.indexOf('/') >= 0)
                    .map(line -> line.substring(line.indexOf('/')).replaceFirst(" \\(deleted\\)$", ""))
                    .distinct()
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            return List.of(); // not Linux
        }
    }

    private static Optional<String> find(Pattern library, List<String> files) {
        return files.stream().filter(file -> library.matcher(file).find()).findFirst();
    }

    // ---- errors ----

    private static IllegalStateException ofAnotherLoader(String who) {
        return new IllegalStateException("libtorch is loaded already by another class loader of this JVM (" + who
                + "), and a process can load it only once, even after that class loader is closed; put the library's"
                + " jars and JavaCPP's into the server's shared class loader (Tomcat: lib/), or run the application in"
                + " a JVM of its own");
    }

    private static IllegalStateException ofAnotherLibrary(String file) {
        return new IllegalStateException("another library has loaded a libtorch of its own into this process (" + file
                + "), and a process can have only one; run one of the two in a JVM of its own");
    }
}
