package org.facerecognition.examples;

import java.io.File;
import java.nio.file.Path;

/** Paths in commands that this program prints for copying into a shell. */
final class ShellWord {
    private ShellWord() {}

    /** Returns a path as this system's shell takes it for one word that is no option. */
    static String of(Path path) {
        return File.separatorChar == '\\' ? ofWindows(path.toString()) : ofPosix(path.toString());
    }

    static String ofPosix(String path) {
        String text = path.startsWith("-") ? "./" + path : path;
        return text.matches("[\\w./:-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }

    static String ofWindows(String path) {
        String text = path.startsWith("-") ? ".\\" + path : path;
        return text.matches("[\\w./:\\\\-]+") ? text : '"' + text + '"'; // which no name there contains
    }
}
