package org.facerecognition.examples;

/** Runs an action of a command when the JVM is asked to stop, by Ctrl-C or a signal, while the command runs. */
final class StopHook {
    private StopHook() {}

    /** Registers an action; the caller removes it when the command ends. */
    static Thread add(String name, Runnable action) {
        Thread hook = new Thread(action, name);
        Runtime.getRuntime().addShutdownHook(hook);
        return hook;
    }

    /** Removes a hook; does nothing when the JVM is already stopping. */
    static void remove(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the JVM is already stopping, and the hook is running
        }
    }
}
