package org.facerecognition.natives;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * OpenMP's number of threads, which oneDNN reads when it makes a primitive and when it runs one. Every thread has a
 * number of its own.
 */
public final class OpenMp {
    /*
     * libgomp's threads wait for each other at the end of each layer, and spin while they wait: 300,000 times by
     * default. That takes about as long as the operating system leaves a processor to a program (3.7 ms on an Intel
     * Xeon), and takes the time from the awaited thread if another program runs too. This number spans the pauses
     * between layers (a tenth of a millisecond there); a smaller one makes small networks slower on an idle machine,
     * where the threads then have to be woken for each layer.
     */
    private static final String SPINS = "10000";

    private static final String SPIN_COUNT = "GOMP_SPINCOUNT";

    private OpenMp() {}

    /**
     * Makes OpenMP's threads sleep instead of spin when they wait for longer than the pauses between layers, so that a
     * training loses less beside other programs. It has an effect on Linux if libgomp is loaded before the scope is
     * closed, and none where the environment has {@code GOMP_SPINCOUNT} or {@code OMP_WAIT_POLICY}.
     *
     * @return closed by this thread, so that processes that are started later do not inherit it
     */
    static LibC.Variable spinningBriefly() {
        boolean given = System.getenv(SPIN_COUNT) != null || System.getenv("OMP_WAIT_POLICY") != null;
        return given ? () -> {} : LibC.set(SPIN_COUNT, SPINS);
    }

    /*
     * JavaCPP maps no function of OpenMP's, and libtorch's set_num_threads also changes the number of threads to come.
     * Where the library goes by another name than those known here, the number stays as it is, and oneDNN splits each
     * layer between OpenMP's threads.
     */
    private static final class Functions {
        static final @Nullable Function SET = find("omp_set_num_threads");
        static final @Nullable Function GET = find("omp_get_max_threads");

        private static @Nullable Function find(String name) {
            String system = LibC.systemName();
            List<String> libraries = system.startsWith("windows")
                    ? List.of("libiomp5md", "libomp140.x86_64", "vcomp140")
                    : system.startsWith("mac") ? List.of("libomp.dylib", "libiomp5.dylib") : List.of("libgomp.so.1");
            for (String library : libraries) {
                try {
                    return NativeLibrary.getInstance(library).getFunction(name);
                } catch (Error e) {
                    LibC.requireOfJna(e); // or it goes by another name
                }
            }
            return null;
        }
    }

    /** A changed number of threads, until it is closed, by the same thread. */
    public static final class Scope implements AutoCloseable {
        private final int former;

        private Scope(int former) {
            this.former = former;
        }

        @Override
        public void close() {
            if (former > 1) {
                set(former);
            }
        }
    }

    /**
     * Makes OpenMP run this thread's parallel loops on this thread alone: it then waits for no other thread, which
     * might not be running. The libraries that use OpenMP must be loaded.
     *
     * @return closed by this thread, to restore the former number
     */
    public static Scope alone() {
        Function get = Functions.GET;
        int former = get == null ? 1 : get.invokeInt(new Object[0]);
        if (former > 1) {
            set(1);
        }
        return new Scope(former);
    }

    private static void set(int threads) {
        Function set = Functions.SET;
        if (set != null) {
            set.invokeVoid(new Object[] {threads});
        }
    }
}
