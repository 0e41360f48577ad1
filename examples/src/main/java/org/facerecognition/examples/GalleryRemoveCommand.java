package org.facerecognition.examples;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.examples.web.FaceThumbnails;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gallery remove}: somebody goes. */
@Command(
        name = "remove",
        description =
                "Remove people, or single entries, and erase them: names, embeddings and small images of their faces are"
                        + " overwritten on the disk. Copies, backups and what a disk sets aside are not reached."
                        + " Exit code 1 when one was not there.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryRemoveCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..*", paramLabel = "NAME", description = "People.")
    private List<String> names = List.of();

    @Mixin
    private GalleryCommand.FileOption gallery = new GalleryCommand.FileOption();

    @Option(names = "--entry", paramLabel = "NUMBER", description = "An entry, as list --entries shows it.")
    private List<Long> entries = List.of();

    @Option(names = "--json", description = "Print one line of JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        if (names.isEmpty() && entries.isEmpty()) {
            throw new IllegalArgumentException("a name or --entry must be given");
        }
        names.forEach(Arguments::checkReadable);
        GalleryInfo info = Gallery.info(gallery.file());
        int removed = 0;
        boolean all = true;
        int left;
        try (Gallery people = gallery.open(info.fingerprint(), info.dimension())) {
            for (String name : names) {
                int count = people.remove(name);
                removed += count;
                all &= told(count > 0, name);
            }
            for (long entry : entries) {
                boolean there = people.remove(entry);
                removed += there ? 1 : 0;
                all &= told(there, "entry " + entry);
            }
            FaceThumbnails.eraseOthers(
                    gallery.file(), people.entries().stream().map(Entry::id).toList());
            if (removed > 0) {
                people.compact(); // last: it needs room on the disk
            }
            left = people.size();
        }
        spec.commandLine().getErr().printf("removed %d entries; %s has %d%n", removed, gallery.file(), left);
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("removed", removed);
            result.put("entries", left);
            spec.commandLine().getOut().println(Json.line(result));
        }
        return all ? 0 : Main.FAILED;
    }

    private boolean told(boolean there, String what) {
        if (!there) {
            spec.commandLine().getErr().println("not in the gallery: " + GalleryCommand.printable(what));
        }
        return there;
    }
}
