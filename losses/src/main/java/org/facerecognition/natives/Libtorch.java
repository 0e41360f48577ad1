package org.facerecognition.natives;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/** Gets libtorch's libraries ready to be loaded, and libtorch ready for the machine. */
/*
 * Nothing here is done in a static block, nor may a class of this library call load() in one: when a static block
 * fails, the reason is given once, and every later use of the class is answered by NoClassDefFoundError without it.
 * Factories, constructors and methods call load() instead.
 */
public final class Libtorch {
    /*
     * JavaCPP unpacks and loads one library at a time. libtorch needs libtorch_cpu, and the first time, when that is
     * not unpacked yet, the operating system looks elsewhere for it: on a machine with a libtorch of its own (Debian's
     * libtorch-dev, say) it finds one of another version, and the JVM crashes. So all of them are unpacked first,
     * beside each other, where the operating system looks before anywhere else.
     */
    private static final String[] NEED_EACH_OTHER = {"c10", "torch_cpu", "torch", "jnitorch"};

    private static volatile boolean ready;
    private static volatile boolean keptToAvx;

    private Libtorch() {}

    /**
     * To be called before anything else of libtorch. The library's entry classes do; a program that starts with
     * libtorch's own classes, or makes a module of its own (a head, a backbone) first, calls it itself: the superclass
     * of modules is libtorch's and loads it unchecked. Costs nothing a second time.
     *
     * @throws IllegalStateException when the libraries cannot be unpacked or loaded, or when another class loader of
     *     this JVM has loaded libtorch, of which a process can have only one; says what to do, each time it is called
     */
    public static void load() {
        if (!ready) {
            getReady();
        }
    }

    private static synchronized void getReady() {
        if (ready) {
            return;
        }
        LibtorchOwner.check();
        for (String platform : List.of(Loader.getPlatform() + "-gpu", Loader.getPlatform())) {
            NativeLibraries.unpack("libtorch", torch.class, "/org/bytedeco/pytorch/" + platform, NEED_EACH_OTHER);
        }
        NativeLibraries.load();
        LibtorchOwner.claim();
        try {
            NativeLibraries.load(torch.class, "libtorch");
        } catch (RuntimeException e) {
            LibtorchOwner.release();
            throw e;
        }
        adaptToMachine();
        ready = true;
    }

    /*
     * Some virtual machines (Firecracker on AMD) hide the processor's caches and the number of its cores. The oneDNN
     * within libtorch 2.10 then takes the caches to be empty, and divides by their size in its newer kernels: the JVM
     * dies of SIGFPE. The older kernels, up to AVX, do not ask. And libtorch counts one core.
     */
    private static void adaptToMachine() {
        keptToAvx = hidesCaches()
                && System.getenv("ONEDNN_MAX_CPU_ISA") == null
                && System.getenv("DNNL_MAX_CPU_ISA") == null;
        if (keptToAvx) {
            torch.set_env("ONEDNN_MAX_CPU_ISA", "AVX", false); // read when oneDNN is first used
        }
        int processors = Runtime.getRuntime().availableProcessors();
        boolean said = System.getenv("OMP_NUM_THREADS") != null || System.getenv("MKL_NUM_THREADS") != null;
        if (!said && processors > 1 && torch.get_num_threads() == 1) {
            torch.set_num_threads(processors);
        }
    }

    /** What Linux knows of a processor, it knows from where oneDNN asks. */
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
     * Whether libtorch's own oneDNN is kept to instructions up to AVX, since on this machine it would crash with newer
     * ones: slower convolutions in training. {@code ONEDNN_MAX_CPU_ISA} in the environment overrules it.
     *
     * @throws IllegalStateException as {@link #load}
     */
    public static boolean keptToAvx() {
        load();
        return keptToAvx;
    }

    /**
     * Makes JavaCPP's cache folder again when somebody has deleted it, as cleaners of temporary folders do. Libraries
     * that are in use stay in use without it, but each class of JavaCPP's that is used for the first time looks there
     * for libraries, and fails without the folder; with it, they are unpacked again. Long-running work calls this now
     * and then; it costs microseconds.
     */
    public static void keepCacheFolder() {
        try {
            Files.createDirectories(Loader.getCacheDir().toPath());
        } catch (IOException e) {
            // whoever needs a library there learns it
        }
    }
}
