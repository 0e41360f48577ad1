package org.facerecognition.examples;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryException;
import org.facerecognition.gallery.GalleryInfo;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gallery remove}: removes people or entries and erases them from the disk. */
@Command(
        name = "remove",
        description = {
            "Remove people or single entries and erase them.",
            "Their names, embeddings and face thumbnails are overwritten on the disk. This does not reach copies,"
                    + " backups, and blocks that the disk itself has set aside. The exit code is 1 if a person or entry"
                    + " was not in the gallery, or the space of what was removed could not be freed."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryRemoveCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..*", paramLabel = "NAME", description = "Names of people to remove.")
    private List<String> names = List.of();

    @Mixin
    private GalleryCommand.PlaceOption gallery = new GalleryCommand.PlaceOption();

    @Option(
            names = "--entry",
            paramLabel = "NUMBER",
            description = "Number of an entry to remove, as list --entries shows it.")
    private List<Long> entries = List.of();

    @Option(names = "--json", description = "Print one line of JSON.")
    private boolean json;

    private int removed; // entries

    @Override
    public Integer call() throws IOException {
        if (names.isEmpty() && entries.isEmpty()) {
            throw new IllegalArgumentException("a name or --entry must be given");
        }
        names.forEach(Arguments::checkReadable);
        boolean all;
        @Nullable GalleryException notFreed = null;
        int left;
        String where;
        try (GalleryPlace place = gallery.place();
                Gallery people = open(place)) {
            where = place.toString();
            int before = people.size();
            try {
                all = removeFrom(people);
            } catch (GalleryException e) { // earlier removals stay; the gallery may not answer any more
                if (removed > 0) {
                    report(where, before - removed, "; run this again to remove the others");
                }
                throw e;
            }
            place.eraseOtherThumbnails(people);
            left = people.size();
            if (removed > 0) {
                notFreed = compact(people); // last, because it needs space on the disk
            }
        }
        report(where, left, "");
        if (notFreed != null) {
            spec.commandLine()
                    .getErr()
                    .println("the entries are removed, but their space was not freed: " + notFreed.getMessage()
                            + "; then run gallery compact");
        }
        return all && notFreed == null ? 0 : Main.FAILED;
    }

    /** Returns whether everything was found. */
    private boolean removeFrom(Gallery people) {
        boolean all = true;
        for (String name : names) {
            int count = people.remove(name);
            removed += count;
            all &= reported(count > 0, name);
        }
        for (long entry : entries) {
            boolean found = people.remove(entry);
            removed += found ? 1 : 0;
            all &= reported(found, "entry " + entry);
        }
        return all;
    }

    private void report(String where, int left, String end) {
        spec.commandLine().getErr().printf("removed %d entries; %s has %d%s%n", removed, where, left, end);
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("removed", removed);
            result.put("entries", left);
            spec.commandLine().getOut().println(Json.line(result));
        }
    }

    /** Returns what went wrong; null if nothing did. */
    private static @Nullable GalleryException compact(Gallery people) {
        try {
            people.compact();
            return null;
        } catch (GalleryException e) {
            return e;
        }
    }

    /** Opens an existing gallery, of whatever model. */
    static Gallery open(GalleryPlace place) throws IOException {
        GalleryInfo info = place.info();
        Gallery people = place.open(info.fingerprint(), info.dimension());
        try {
            place.eraseOtherThumbnails(people);
            return people;
        } catch (IOException | RuntimeException e) {
            people.close();
            throw e;
        }
    }

    /** Reports what was not found; returns whether it was found. */
    private boolean reported(boolean found, String what) {
        if (!found) {
            spec.commandLine().getErr().println("not in the gallery: " + GalleryCommand.printable(what));
        }
        return found;
    }
}
