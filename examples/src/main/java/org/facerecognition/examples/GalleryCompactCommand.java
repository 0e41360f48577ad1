package org.facerecognition.examples;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.gallery.Gallery;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gallery compact}: frees the space of removed entries. */
@Command(
        name = "compact",
        description = {
            "Free the space of removed entries.",
            "Writes the gallery's file, or its tables in a database, again without them; a file needs as much free"
                    + " space as it has. Other processes wait or are refused in the meantime. gallery remove does this"
                    + " by itself; the page and Java programs leave it to you."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryCompactCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private GalleryCommand.PlaceOption gallery = new GalleryCommand.PlaceOption();

    @Option(names = "--json", description = "Print one line of JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        int entries;
        String where;
        try (GalleryPlace place = gallery.place();
                Gallery people = GalleryRemoveCommand.open(place)) {
            where = place.toString();
            people.compact();
            entries = people.size();
        }
        spec.commandLine().getErr().printf("compacted %s, which has %d entries%n", where, entries);
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("entries", entries);
            spec.commandLine().getOut().println(Json.line(result));
        }
        return 0;
    }
}
