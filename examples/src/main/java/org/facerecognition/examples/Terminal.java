package org.facerecognition.examples;

import java.io.Console;
import java.lang.reflect.InvocationTargetException;

/** Whether the program runs on a terminal, where progress bars can be shown. */
final class Terminal {
    private Terminal() {}

    static boolean isInteractive() {
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
