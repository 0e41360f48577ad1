package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Prints the library's warnings of photographs that are used whole as lines of a command, not as records of a log. */
final class LibraryWarnings extends Handler implements AutoCloseable {
    private final Logger logger = Logger.getLogger("org.facerecognition.data.WholePhotographs");
    private final PrintWriter err;

    private LibraryWarnings(PrintWriter err) {
        this.err = err;
    }

    /** Prints them until this is closed. */
    static LibraryWarnings printedTo(PrintWriter err) {
        LibraryWarnings printed = new LibraryWarnings(err);
        printed.setLevel(Level.WARNING);
        printed.logger.addHandler(printed);
        printed.logger.setUseParentHandlers(false);
        return printed;
    }

    @Override
    public void publish(LogRecord record) {
        if (isLoggable(record)) {
            err.println("warning: " + record.getMessage());
        }
    }

    @Override
    public void flush() {
        err.flush();
    }

    @Override
    public void close() {
        logger.setUseParentHandlers(true);
        logger.removeHandler(this);
    }
}
