package org.facerecognition.examples;

import java.io.Console;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether standard error goes to a terminal, where progress bars can be shown. */
final class Terminal {
    private static final Path STANDARD_ERROR = Path.of("/proc/self/fd/2"); // on Linux

    private static final int FILE_TYPE = 0xf000; // bits of a file's mode
    private static final int CHARACTER_DEVICE = 0x2000;
    private static final int MEMORY_DEVICES = 1; // the major number of /dev/null and others

    private Terminal() {}

    static boolean isInteractive() {
        try {
            return isTerminal(STANDARD_ERROR);
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) { // another system
            return hasConsole();
        }
    }

    /**
     * Returns whether a file is a terminal, such as /dev/pts/0 or /dev/tty.
     *
     * @throws IOException when the file does not exist
     * @throws UnsupportedOperationException on a system whose files have no types of this kind
     */
    static boolean isTerminal(Path file) throws IOException {
        int mode = (int) Files.getAttribute(file, "unix:mode");
        if ((mode & FILE_TYPE) != CHARACTER_DEVICE) {
            return false;
        }
        long device = (long) Files.getAttribute(file, "unix:rdev");
        return (device >> 8 & 0xfff) != MEMORY_DEVICES;
    }

    /** Returns whether the program was started at a terminal, whatever standard error is. */
    private static boolean hasConsole() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try { // from Java 22 on there is always a console, and isTerminal says whether it is a terminal
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (IllegalAccessException | InvocationTargetException e) {
            return false;
        }
    }
}
