package org.facerecognition.examples;

/** What a command does when the JVM is told to stop while the command runs. */
final class StopHook {
    private StopHook() {}

    /** Registers an action for Ctrl-C; to be removed when the command ends. */
    static Thread add(String name, Runnable action) {
        Thread hook = new Thread(action, name);
        Runtime.getRuntime().addShutdownHook(hook);
        return hook;
    }

    static void remove(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the JVM is stopping already: the hook is what brought us here
        }
    }
}
