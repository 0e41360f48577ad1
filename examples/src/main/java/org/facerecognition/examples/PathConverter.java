package org.facerecognition.examples;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Converts words of the command line to paths. An empty word, which a shell makes of a variable that is not set in
 * quotes, would otherwise stand for the whole current folder.
 */
final class PathConverter implements ITypeConverter<Path> {
    @Override
    public Path convert(String word) {
        try {
            return path(word);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    /**
     * Returns the path that a word names.
     *
     * @throws IllegalArgumentException when it is blank or no path of this system
     */
    static Path path(String word) {
        if (word.isBlank()) {
            throw new IllegalArgumentException("a path must name a file or folder, but was empty; check the variable it"
                    + " came from, or give . for the current folder");
        }
        try {
            return Path.of(word);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException(
                    "a path must be one of this system, but was '" + word + "': " + e.getReason(), e);
        }
    }
}
