package org.facerecognition.natives;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/** Loads libtorch and adapts it to the machine. */
/*
 * Nothing here is done in a static block, and no class of this library may call load() in one: when a static block
 * fails, the reason is reported once, and every later use of the class fails with a NoClassDefFoundError without it.
 * Factories, constructors and methods call load() instead.
 */
public final class Libtorch {
    private static final int MAX_THREADS = 256; // on few processors more stand still, and very many end the process

    /*
     * JavaCPP unpacks and loads one library at a time. The first library that is loaded needs libtorch_cpu. If that is
     * not unpacked yet, the operating system looks elsewhere: on a machine with another installation of libtorch (such
     * as Debian's libtorch-dev) it finds a library of another version, and the JVM crashes. So all of them are unpacked
     * first, into one folder, where the operating system looks before anywhere else.
     */
    private static final String[] DEPENDENT_LIBRARIES = {"c10", "torch_cpu", "torch", "jnitorch"};

    private static volatile boolean ready;
    private static volatile boolean keptToAvx;

    private Libtorch() {}

    /**
     * Loads libtorch. It must be called before any other use of libtorch. The entry classes of this library do so; a
     * program that starts with libtorch's own classes, or that first creates a module of its own (a head, a backbone),
     * has to call it itself: the superclass of modules belongs to libtorch and loads it unchecked. Later calls cost
     * nothing.
     *
     * @throws IllegalStateException if the libraries cannot be unpacked or loaded, or if another class loader of this
     *     JVM has loaded libtorch, because a process can have only one; every call says what to do
     */
    public static void load() {
        if (!ready) {
            prepare();
        }
    }

    private static synchronized void prepare() {
        if (ready) {
            return;
        }
        Processors.count(); // a wrong setting is said before anything is loaded
        LibtorchOwner.check();
        for (String platform : List.of(Loader.getPlatform() + "-gpu", Loader.getPlatform())) {
            NativeLibraries.unpack("libtorch", torch.class, "/org/bytedeco/pytorch/" + platform, DEPENDENT_LIBRARIES);
        }
        NativeLibraries.load();
        LibtorchOwner.claim();
        try (LibC.Variable largePages = SystemMemory.largePages()) {
            NativeLibraries.load(torch.class, "libtorch");
            torch.empty(1).close(); // it reads the variable now
        } catch (RuntimeException e) {
            LibtorchOwner.release();
            throw e;
        }
        adaptToMachine();
        ready = true;
    }

    /*
     * Some virtual machines (Firecracker on AMD) hide the processor's caches and the number of its cores. The oneDNN in
     * libtorch 2.10 then assumes caches of one byte, and its newer kernels divide by what fits into them: the JVM dies
     * of SIGFPE. Where that cannot be repaired, the older kernels are used, up to AVX, which do not use the size. On
     * such a machine libtorch also counts only one core, unless MKL_NUM_THREADS gives it a number. libtorch counts the
     * host's cores; the JVM knows the quota of its container.
     */
    private static void adaptToMachine() {
        if (Uninterrupted.get(Libtorch::hidesCaches)
                && !Uninterrupted.get(OneDnnCaches::repairLibtorch)
                && !OneDnnInstructions.areGiven()) {
            OneDnnInstructions.keepToAvx();
            keptToAvx = true;
        }
        int processors = Processors.count();
        int threads = torch.get_num_threads();
        boolean counted = System.getenv("MKL_NUM_THREADS") == null;
        if (threads > processors
                || threads == 1 && counted
                || Processors.given().isPresent()) {
            torch.set_num_threads(processors);
        }
    }

    /**
     * Sets the number of threads that libtorch computes with from now on: that of OpenMP, which the calling thread and
     * threads that start later use, and on Linux that of OpenBLAS, which multiplies matrices, for the whole process,
     * unless the environment has {@code OPENBLAS_NUM_THREADS}.
     *
     * @param threads at least 1; at most 256, or the number of the machine's processors if there are more
     * @throws IllegalArgumentException if the number is out of its range
     * @throws IllegalStateException if libtorch cannot be loaded, see {@link #load}
     */
    public static void setThreads(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1, but was " + threads);
        }
        long most = Math.max(MAX_THREADS, Processors.ofMachine());
        if (threads > most) {
            throw new IllegalArgumentException("compute threads must be at most " + most + ", but was " + threads);
        }
        load();
        torch.set_num_threads(threads);
        OpenBlas.setThreads(threads);
    }

    /** Returns whether the caches are hidden. Linux and oneDNN get their information from the same source. */
    private static boolean hidesCaches() {
        Path processor = Path.of("/sys/devices/system/cpu/cpu0");
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.anyMatch(line -> line.contains("AuthenticAMD"))
                    && Files.isDirectory(processor)
                    && Files.notExists(processor.resolve("cache"));
        } catch (IOException | UncheckedIOException e) {
            return false; // not Linux
        }
    }

    /**
     * Returns whether libtorch's oneDNN is limited to instructions up to AVX, because it would crash on this machine
     * with newer ones. Convolutions in training are then slower. The environment variable {@code ONEDNN_MAX_CPU_ISA}
     * overrides the limit.
     *
     * @throws IllegalStateException if libtorch cannot be loaded, see {@link #load}
     */
    public static boolean keptToAvx() {
        load();
        return keptToAvx;
    }

    /**
     * Recreates JavaCPP's cache folder if it was deleted, for example by a cleaner of temporary folders. Loaded
     * libraries keep working without it, but each class of JavaCPP's looks there for libraries when it is first used,
     * and fails if there is no folder; if there is one, the libraries are unpacked again. Long-running work calls this
     * from time to time; it costs microseconds.
     */
    public static void keepCacheFolder() {
        try {
            Files.createDirectories(Loader.getCacheDir().toPath());
        } catch (IOException e) {
            // the next class that needs a library there reports it
        }
    }
}
