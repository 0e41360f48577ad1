package org.facerecognition.natives;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;

/**
 * The threads of OpenBLAS, with which libtorch multiplies matrices of fp32 on a CPU. They are other threads than
 * OpenMP's, and a pool for the whole process.
 */
final class OpenBlas {
    /*
     * After a product, OpenBLAS's threads spin for 2 to this power cycles, by default as long as with 28: a tenth of a
     * second. In a training step one thread per processor computes the layers in the meantime, and each spinning thread
     * takes a processor from one of those. The smallest number that OpenBLAS accepts. Waking a sleeping thread costs
     * less than can be measured beside products that are worth splitting.
     */
    private static final String SPIN_EXPONENT = "4";

    private static final String SPIN_VARIABLE = "OPENBLAS_THREAD_TIMEOUT";
    private static final String THREADS_VARIABLE = "OPENBLAS_NUM_THREADS";
    private static final String LIBRARY = "libopenblas_nolapack.so.0";

    private OpenBlas() {}

    /**
     * Makes OpenBLAS's threads sleep when they have no work. It has an effect on Linux if OpenBLAS is loaded before the
     * scope is closed, and none where the environment has {@code OPENBLAS_THREAD_TIMEOUT}.
     *
     * @return closed by this thread, so that processes that are started later do not inherit it
     */
    static LibC.Variable sleeping() {
        return System.getenv(SPIN_VARIABLE) == null ? LibC.set(SPIN_VARIABLE, SPIN_EXPONENT) : () -> {};
    }

    /**
     * Gives OpenBLAS as many threads as {@link Processors} says where that has a bound, which OpenBLAS does not know:
     * it counts the processors of the machine. Where it has an effect is as with {@link #sleeping}; the environment's
     * {@code OPENBLAS_NUM_THREADS} takes precedence.
     *
     * @return closed by this thread, so that processes that are started later do not inherit it
     */
    static LibC.Variable bounded() {
        try {
            return System.getenv(THREADS_VARIABLE) == null && Processors.areBounded()
                    ? LibC.set(THREADS_VARIABLE, String.valueOf(Processors.count()))
                    : () -> {};
        } catch (IllegalArgumentException e) { // who computes says it: here it would spoil a class that loads a library
            return () -> {};
        }
    }

    /**
     * Changes the number of threads, at least 1, on Linux once OpenBLAS is loaded, unless the environment has {@code
     * OPENBLAS_NUM_THREADS}.
     */
    static void setThreads(int threads) {
        if (System.getenv(THREADS_VARIABLE) != null) {
            return;
        }
        try {
            Function set = NativeLibrary.getInstance(LIBRARY).getFunction("openblas_set_num_threads");
            set.invokeVoid(new Object[] {threads});
        } catch (Error e) {
            LibC.requireOfJna(e); // another system, or another BLAS
        }
    }
}
