package org.facerecognition.natives;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * How native code gets memory from Linux. A training step needs hundreds of megabytes for a moment. By default each
 * large tensor is new memory of the operating system's, which comes in pages of 4 KiB, each of which it has to find and
 * to clear when it is first written to.
 */
/*
 * Two things help, and more together than each alone: libtorch can ask for pages of 2 MiB for its tensors, which takes
 * effect where /sys/kernel/mm/transparent_hugepage/enabled is "madvise" (or "always", where most tensors have them
 * anyway), and glibc can keep what was freed. Blocks above 32 MiB still go back at once, so that the peak of memory
 * hardly grows. benchmarks/README.md (Training) has speeds and peaks.
 */
public final class SystemMemory {
    private static final String HUGE_PAGES = "THP_MEM_ALLOC_ENABLE";

    // of glibc's malloc.h
    private static final int M_TRIM_THRESHOLD = -1;
    private static final int M_MMAP_THRESHOLD = -3;

    private static final int MADV_HUGEPAGE = 14; // of Linux

    /** Where memory begins that is to have large pages; a multiple of these is best for its size too. */
    public static final int LARGE_PAGE_BYTES = 2 << 20;

    private static final int LARGE = 32 << 20; // bytes: the most to which glibc itself raises the threshold
    private static final int FREED = 128 << 10; // glibc looks what to give back when it frees half as much
    private static final int NEVER = -1;

    private static int reuses; // open ones

    private SystemMemory() {}

    /**
     * Makes libtorch use large pages for large tensors on the CPU, if it allocates its first one before the scope is
     * closed. Without effect where the environment has {@code THP_MEM_ALLOC_ENABLE}.
     *
     * @return closed by this thread
     */
    static LibC.Variable largePages() {
        return System.getenv(HUGE_PAGES) == null ? LibC.set(HUGE_PAGES, "1") : () -> {};
    }

    /**
     * Asks Linux for large pages, before they are written to, for memory that is read as a whole or at random: with
     * pages of 4 KiB, the processor looks up where each of them is. Elsewhere, without effect.
     *
     * @param memory borrowed; its address is a multiple of {@value #LARGE_PAGE_BYTES}
     * @param bytes the size, at least 1
     */
    public static void askForLargePages(Pointer memory, long bytes) {
        if (LibC.isLinux()) {
            LibC.call("madvise", memory.address(), bytes, MADV_HUGEPAGE);
        }
    }

    /**
     * Lets the process keep blocks of up to 32 MiB that are freed, for the next ones, instead of giving them back to
     * the operating system: for work that allocates the same again and again, such as training steps on a CPU. It has
     * an effect with glibc, unless the environment has {@code GLIBC_TUNABLES}, {@code MALLOC_TRIM_THRESHOLD_} or {@code
     * MALLOC_MMAP_THRESHOLD_}. Afterwards the thresholds are the largest that glibc uses by itself.
     *
     * @return to be closed by the thread that allocates most
     */
    public static synchronized Reuse reuse() {
        if (reuses++ == 0 && isOurs()) {
            LibC.call("mallopt", M_MMAP_THRESHOLD, LARGE);
            LibC.call("mallopt", M_TRIM_THRESHOLD, NEVER);
        }
        return new Reuse();
    }

    private static synchronized void end() {
        if (--reuses == 0 && isOurs()) {
            LibC.call("mallopt", M_TRIM_THRESHOLD, FREED);
            new BytePointer(FREED).close(); // shrinks what is at the end of this thread's part of the heap
            LibC.call("malloc_trim", 0L); // and what is elsewhere
            LibC.call("mallopt", M_TRIM_THRESHOLD, 2 * LARGE);
        }
    }

    /** Whether this class is to decide. */
    private static boolean isOurs() {
        return LibC.isLinux()
                && Stream.of("GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
                        .allMatch(variable -> System.getenv(variable) == null);
    }

    /** Freed memory that the process keeps. */
    public static final class Reuse implements AutoCloseable {
        private final AtomicBoolean closed = new AtomicBoolean();

        private Reuse() {}

        /** Gives freed memory back to the operating system, unless another reuse is open. */
        @Override
        public void close() {
            if (closed.compareAndSet(false, true)) {
                end();
            }
        }
    }
}
