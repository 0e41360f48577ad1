package org.facerecognition.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.PassedOver;

/**
 * An image that was given to a command, and the name of the files that the command writes for it.
 *
 * @param file the file to read
 * @param name its name below the folder that was given, without its extension: {@code person/image}. The names of all
 *     images differ, even if case and Unicode normalization are ignored: a later one that would equal an earlier one
 *     keeps its extension, as in {@code person/image-png}
 */
record ImageFileNames(Path file, Path name) {
    /**
     * All images that were given.
     *
     * @param files in the order of the arguments, those of a folder sorted
     * @param notes notes for standard error: which files and folders were skipped, and which folders have no images
     * @param leftOut folders that could not be read, and names that could not be decoded, each with a sentence that is
     *     also in the notes
     */
    record Given(List<ImageFileNames> files, List<String> notes, Map<String, String> leftOut) {
        Given {
            files = List.copyOf(files);
            notes = List.copyOf(notes);
            leftOut = Collections.unmodifiableMap(new LinkedHashMap<>(leftOut));
        }

        /** Returns whether everything that was given could be read. */
        boolean complete() {
            return leftOut.isEmpty();
        }

        /** Returns the files to read. */
        List<Path> paths() {
            return files.stream().map(ImageFileNames::file).toList();
        }
    }

    /**
     * Lists the files given, whatever their names, and all images below the folders given. Folders that have no images
     * or cannot be read are left out, and so are names that this process cannot decode, each with a note.
     *
     * @throws DataException when there are no images at all, with the reason
     */
    static Given of(List<Path> given) {
        PassedOver passedOver = new PassedOver();
        List<String> notes = new ArrayList<>();
        List<ImageFileNames> all = new ArrayList<>();
        Set<String> names = new HashSet<>();
        Map<String, String> leftOut = new LinkedHashMap<>();
        for (Path path : given) {
            if (!Files.isDirectory(path)) {
                all.add(new ImageFileNames(path, unique(path.getFileName(), names)));
                continue;
            }
            try {
                PassedOver here = new PassedOver();
                List<Path> images = ImageFiles.withReadableNames(ImageFiles.below(path, here), here);
                leftOut.putAll(here.problems());
                notes.addAll(here.problems().values());
                if (images.isEmpty()) {
                    notes.add("folder " + path + " must have images in it, but " + here.instead());
                    continue;
                }
                passedOver.add(here);
                images.forEach(image -> all.add(new ImageFileNames(image, unique(path.relativize(image), names))));
            } catch (DataException e) {
                notes.add(e.getMessage());
                leftOut.put(path.toString(), String.valueOf(e.getMessage()));
            }
        }
        if (all.isEmpty()) {
            throw new DataException(String.join("; ", notes));
        }
        passedOver.note().ifPresent(notes::add);
        return new Given(all, notes, leftOut);
    }

    /**
     * Returns the path without its extension if no other image has that name; else with it and, if needed, a number.
     */
    private static Path unique(Path path, Set<String> taken) {
        String file = path.getFileName().toString();
        int dot = file.lastIndexOf('.');
        String base = dot > 0 ? file.substring(0, dot) : file;
        String withExtension = dot > 0 ? base + "-" + file.substring(dot + 1) : base;
        Path name = path.resolveSibling(base);
        for (int i = 1; !taken.add(key(name)); i++) {
            name = path.resolveSibling(i == 1 ? withExtension : withExtension + "-" + i);
        }
        return name;
    }

    /**
     * Checks that a command replaces no photograph: neither an image that was given nor another one beside it, also
     * through symbolic links. In other folders files are replaced, since a command can be repeated.
     *
     * @param folder the folder that {@link #in} writes below
     * @param suffix a regular expression of what follows the names, in lower case
     * @param isFormerResult whether an existing file looks like a result of the same command
     * @throws IllegalArgumentException naming the photograph
     */
    static void requireKept(List<ImageFileNames> files, Path folder, String suffix, Predicate<Path> isFormerResult)
            throws IOException {
        if (!Files.isDirectory(folder)) {
            return; // it is created: there are no images in it
        }
        Map<String, ImageFileNames> byName = new HashMap<>();
        files.forEach(image -> byName.put(key(image.name), image));
        KeptPhotographs kept =
                new KeptPhotographs(files.stream().map(ImageFileNames::file).toList(), isFormerResult);
        Pattern pattern = Pattern.compile("(.*)(" + suffix + ")", Pattern.DOTALL | Pattern.CASE_INSENSITIVE);
        for (Path within : files.stream().map(ImageFileNames::within).collect(Collectors.toSet())) {
            if (Files.isDirectory(folder.resolve(within))) {
                for (Path there : entries(folder.resolve(within))) {
                    Matcher parts = pattern.matcher(there.getFileName().toString());
                    ImageFileNames writer = parts.matches() ? byName.get(key(within.resolve(parts.group(1)))) : null;
                    if (writer != null) {
                        kept.requireKept(writer.in(folder, parts.group(2).toLowerCase(Locale.ROOT)));
                    }
                }
            }
        }
    }

    /** Returns the folder, below that of all results, that a command writes this image's results to. */
    private Path within() {
        Path parent = name.getParent();
        return parent == null ? name.getFileSystem().getPath("") : parent;
    }

    /** Returns a text that is the same for paths that some file systems take for one: macOS ignores Unicode forms. */
    static String key(Path path) {
        return Normalizer.normalize(path.toString(), Normalizer.Form.NFC).toLowerCase(Locale.ROOT);
    }

    private static List<Path> entries(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /**
     * Returns the image, whose file is read now and not again: all steps see the same one, even if another program
     * replaces the file meanwhile.
     *
     * @throws DataException when it cannot be read
     */
    ImageSource source() {
        return ImageSource.of(ImageSource.of(file).encoded(), file.toString());
    }

    /** Returns the file below {@code folder} that a command writes for this image. */
    Path in(Path folder, String suffix) {
        return folder.resolve(name + suffix);
    }
}
