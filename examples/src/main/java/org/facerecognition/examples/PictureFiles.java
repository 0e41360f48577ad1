package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The pictures that a command is given, and where what it makes of each belongs.
 *
 * @param file to read
 * @param name of it below the folder that was given, without its ending: {@code person/picture}
 */
record PictureFiles(Path file, Path name) {
    private static final Set<String> ENDINGS = Set.of("jpg", "jpeg", "png", "bmp", "webp", "pgm", "ppm", "tif", "tiff");

    /**
     * The files given, and all pictures below the folders given.
     *
     * @throws IllegalArgumentException when two of them would write the same file, or a folder has none
     */
    static List<PictureFiles> of(List<Path> given) throws IOException {
        List<PictureFiles> all = new ArrayList<>();
        for (Path path : given) {
            if (!Files.isDirectory(path)) {
                all.add(new PictureFiles(path, bare(path.getFileName())));
                continue;
            }
            int before = all.size();
            try (Stream<Path> below = Files.walk(path)) {
                below.filter(PictureFiles::isPicture)
                        .sorted()
                        .forEach(file -> all.add(new PictureFiles(file, bare(path.relativize(file)))));
            }
            if (all.size() == before) {
                throw new IllegalArgumentException("folder " + path + " must have pictures in it, but has none");
            }
        }
        Map<Path, Path> names = new HashMap<>();
        for (PictureFiles picture : all) {
            Path other = names.put(picture.name(), picture.file());
            if (other != null) {
                throw new IllegalArgumentException("pictures must have different names, but " + other + " and "
                        + picture.file() + " would both be written as " + picture.name()
                        + "; give the folder above them instead");
            }
        }
        return all;
    }

    private static Path bare(Path path) {
        String text = path.toString();
        int dot = text.lastIndexOf('.');
        return dot > text.length() - path.getFileName().toString().length() ? Path.of(text.substring(0, dot)) : path;
    }

    private static boolean isPicture(Path file) {
        String name = file.getFileName().toString();
        return ENDINGS.contains(name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT))
                && Files.isRegularFile(file);
    }

    /** The file below {@code folder} for what a command makes of this one. */
    Path in(Path folder, String ending) {
        return folder.resolve(name + ending);
    }
}
