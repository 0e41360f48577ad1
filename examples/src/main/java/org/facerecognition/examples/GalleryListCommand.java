package org.facerecognition.examples;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.StoredEntry;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gallery list}: lists who is enrolled. */
@Command(
        name = "list",
        description = "List the people of a gallery and how many entries each has.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryListCommand implements Callable<Integer> {
    private static final int PAGE = 1_000;

    @Spec
    private CommandSpec spec;

    @Mixin
    private GalleryCommand.PlaceOption gallery = new GalleryCommand.PlaceOption();

    @Option(names = "--entries", description = "List every entry: its number, the person's name and the image.")
    private boolean entries;

    @Option(names = "--json", description = "Print one line of JSON.")
    private boolean json;

    @Override
    public Integer call() {
        try (GalleryPlace place = gallery.place()) {
            print(place);
        }
        return 0;
    }

    private void print(GalleryPlace place) {
        GalleryInfo info = place.info();
        try (Gallery people = place.read(info.fingerprint(), info.dimension())) {
            PrintWriter out = spec.commandLine().getOut();
            if (json) {
                Map<String, @Nullable Object> all = new LinkedHashMap<>();
                all.put("model", info.fingerprint());
                all.put("dimension", info.dimension());
                all.put("entries", people.size());
                all.put("identities", people.identities());
                all.put("entry_list", entries ? people.entries() : null);
                all.put("embedding_mode", info.embeddingMode());
                Json.print(out, all);
            } else if (entries) {
                printEntries(people, out);
            } else {
                people.identities()
                        .forEach((name, count) -> out.println(GalleryCommand.printable(name) + "\t" + count));
            }
        }
    }

    /** Prints page by page, since a gallery may be larger than memory. */
    private static void printEntries(Gallery people, PrintWriter out) {
        List<StoredEntry> page = people.page(0, PAGE);
        while (!page.isEmpty()) {
            for (StoredEntry stored : page) {
                Entry entry = stored.entry();
                String note = entry.note() == null ? "" : "\t" + GalleryCommand.printable(entry.note());
                out.println(entry.id() + "\t" + GalleryCommand.printable(entry.identity()) + note);
            }
            Main.requireWritten(out);
            page = people.page(page.get(page.size() - 1).entry().id(), PAGE);
        }
    }
}
