package org.facerecognition.inference;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import org.facerecognition.natives.PlatformThreads;

/**
 * A clock that stands still while other programs have this thread's processor, so that layers can be timed beside them.
 * A layer that took its time from a neighbor would lose against a slower one, and the choice would be remembered.
 */
final class RunningTime {
    private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

    /** On Windows, running time is counted in steps of many milliseconds. */
    private static final boolean EXACT = CLOCK.isCurrentThreadCpuTimeSupported()
            && CLOCK.isThreadCpuTimeEnabled()
            && !System.getProperty("os.name", "").startsWith("Windows");

    private RunningTime() {}

    /** Returns the nanoseconds that this thread was running, counted from any moment; all that passed if unknown. */
    static long nanos() {
        return EXACT && !PlatformThreads.isVirtual() ? CLOCK.getCurrentThreadCpuTime() : System.nanoTime();
    }
}
