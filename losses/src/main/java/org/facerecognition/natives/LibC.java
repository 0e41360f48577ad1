package org.facerecognition.natives;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import java.util.Locale;
import java.util.OptionalInt;

/** Functions of the C library, which neither Java nor JavaCPP offers. */
final class LibC {
    private LibC() {}

    /** Calls a function; returns empty if the library does not have it, or JNA cannot be loaded. */
    static OptionalInt call(String function, Object... arguments) {
        try {
            Function found = NativeLibrary.getInstance("c").getFunction(function);
            return OptionalInt.of(found.invokeInt(arguments));
        } catch (Error e) {
            requireOfJna(e);
            return OptionalInt.empty();
        }
    }

    /**
     * Throws an error unless JNA cannot be loaded: it throws an Error itself where the system has another version of
     * its library, such as a distribution's package.
     */
    static void requireOfJna(Error e) {
        if (!(e instanceof LinkageError) && e.getClass() != Error.class) {
            throw e;
        }
    }

    static boolean isLinux() {
        return systemName().startsWith("linux");
    }

    /** In lower case. */
    static String systemName() {
        return System.getProperty("os.name").toLowerCase(Locale.ROOT);
    }

    /**
     * Sets a variable of the environment that native code sees, on Linux.
     *
     * @return closed by this thread, so that processes that are started later do not inherit it
     */
    static Variable set(String variable, String value) {
        if (!isLinux() || call("setenv", variable, value, 1).isEmpty()) {
            return () -> {};
        }
        return () -> call("unsetenv", variable);
    }

    /** A variable of the environment that is set until it is closed. */
    interface Variable extends AutoCloseable {
        @Override
        void close();
    }
}
