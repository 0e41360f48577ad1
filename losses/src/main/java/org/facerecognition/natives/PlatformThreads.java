package org.facerecognition.natives;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps native code that has a state by thread off virtual threads (Java 21 and later): whether libtorch records
 * gradients, the number of OpenMP's threads and a GPU's current device belong to the thread of the operating system,
 * and a virtual thread may go on with another one after each wait. The time that a virtual thread was running is not
 * known either.
 */
public final class PlatformThreads {
    private static final @Nullable MethodHandle IS_VIRTUAL = find();
    private static final int BRIEF_FOR_EACH_PROCESSOR = 2; // calls: one computes while another begins or ends

    private static final class Brief {
        static final Semaphore CALLS = new Semaphore(BRIEF_FOR_EACH_PROCESSOR * Processors.count(), true);
    }

    private PlatformThreads() {}

    private static @Nullable MethodHandle find() {
        try {
            return MethodHandles.publicLookup()
                    .findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
        } catch (NoSuchMethodException | IllegalAccessException e) {
            return null; // before Java 21
        }
    }

    /** Returns whether this thread is a virtual one. */
    public static boolean isVirtual() {
        if (IS_VIRTUAL == null) {
            return false;
        }
        try {
            return (boolean) IS_VIRTUAL.invokeExact(Thread.currentThread());
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Runs work on this thread or, if it is virtual, on a thread of its own, and waits until it has ended; interrupts
     * are passed on to it. JavaCPP's scopes that are open here do not see what it makes.
     *
     * @return what the work returns
     */
    public static <T extends @Nullable Object> T call(Supplier<T> work) {
        if (!isVirtual()) {
            return work.get();
        }
        FutureTask<T> task = new FutureTask<>(work::get);
        Thread thread = new Thread(task, "face-of-virtual");
        thread.setDaemon(true);
        thread.start();
        return Uninterrupted.outcome(task, thread::interrupt);
    }

    /**
     * Runs work as {@link #call} does, a few calls at a time: of a server's many virtual threads, each would have a
     * thread of the operating system otherwise. For work that does not take long, which does not wait for what other
     * virtual threads do in such calls. Within such work, calls run at once.
     *
     * @return what the work returns
     */
    public static <T extends @Nullable Object> T callBriefly(Supplier<T> work) {
        if (!isVirtual()) {
            return work.get();
        }
        Processors.count(); // a wrong setting is said each time, which an error in an initializer is not
        Brief.CALLS.acquireUninterruptibly(); // an interrupt is passed on to the work
        try {
            return call(work);
        } finally {
            Brief.CALLS.release();
        }
    }
}
