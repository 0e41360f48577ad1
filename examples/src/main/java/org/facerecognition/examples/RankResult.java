package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Passes on what the first of several processes writes on standard output when it is to end with JSON: the last line
 * of JSON, which {@link #print} prints. A process that was started again may have written one before. Everything else,
 * such as what Gloo writes, goes to standard error.
 */
final class RankResult implements Consumer<String> {
    private final PrintWriter out;
    private final PrintWriter err;
    private @Nullable String json;

    RankResult(PrintWriter out, PrintWriter err) {
        this.out = out;
        this.err = err;
    }

    @Override
    public synchronized void accept(String line) {
        if (line.startsWith("{")) {
            json = line;
        } else {
            err.println(line);
        }
    }

    /** Prints the result, once. */
    synchronized void print() {
        if (json != null) {
            out.println(json);
            out.flush(); // a program that is being stopped may end at any time after this
            json = null;
        }
    }
}
