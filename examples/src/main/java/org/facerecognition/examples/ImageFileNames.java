package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.PassedOver;

/**
 * The images that a command is given, and where what it makes of each belongs.
 *
 * @param file to read
 * @param name of it below the folder that was given, without its ending: {@code person/image}. Names differ, in small
 *     letters too: where two would be the same, the later one keeps its ending, {@code person/image-png}
 */
record ImageFileNames(Path file, Path name) {
    /**
     * What was given.
     *
     * @param files in the order of the arguments, those of a folder sorted
     * @param notes for standard error: what was passed over, and folders without images
     */
    record Given(List<ImageFileNames> files, List<String> notes) {
        Given {
            files = List.copyOf(files);
            notes = List.copyOf(notes);
        }

        /** The files alone. */
        List<Path> paths() {
            return files.stream().map(ImageFileNames::file).toList();
        }
    }

    /**
     * The files given, whatever their names, and all images below the folders given. A folder without any, or one that
     * cannot be read, does not keep the others from being done.
     *
     * @throws DataException when there are no images at all, with the reason
     */
    static Given of(List<Path> given) {
        PassedOver passedOver = new PassedOver();
        List<String> empty = new ArrayList<>();
        List<ImageFileNames> all = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Path path : given) {
            if (!Files.isDirectory(path)) {
                all.add(new ImageFileNames(path, free(path.getFileName(), names)));
                continue;
            }
            try {
                PassedOver here = new PassedOver();
                List<Path> images = ImageFiles.below(path, here);
                if (images.isEmpty()) {
                    empty.add("folder " + path + " must have images in it, but " + here.instead());
                    continue;
                }
                passedOver.add(here);
                images.forEach(image -> add(image, path.relativize(image), names, all, passedOver));
            } catch (DataException e) {
                empty.add(e.getMessage());
            }
        }
        if (all.isEmpty()) {
            throw new DataException(String.join("; ", empty));
        }
        passedOver.note().ifPresent(empty::add);
        return new Given(all, empty);
    }

    private static void add(
            Path image, Path below, Set<String> names, List<ImageFileNames> all, PassedOver passedOver) {
        try {
            all.add(new ImageFileNames(image, free(below, names)));
        } catch (InvalidPathException e) { // a process without a locale does not know its letters
            passedOver.addUnreadableName();
        }
    }

    /** Without the ending, if that is free; else with it, and with a number. */
    private static Path free(Path path, Set<String> taken) {
        String file = path.getFileName().toString();
        int dot = file.lastIndexOf('.');
        String bare = dot > 0 ? file.substring(0, dot) : file;
        String whole = dot > 0 ? bare + "-" + file.substring(dot + 1) : bare;
        Path name = path.resolveSibling(bare);
        for (int i = 1; !taken.add(name.toString().toLowerCase(Locale.ROOT)); i++) {
            name = path.resolveSibling(i == 1 ? whole : whole + "-" + i);
        }
        return name;
    }

    /** The file below {@code folder} for what a command makes of this one. */
    Path in(Path folder, String ending) {
        return folder.resolve(name + ending);
    }
}
