package org.facerecognition.examples;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.GalleryTransfer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gallery export}: writes a gallery into a folder that other programs can read. */
@Command(
        name = "export",
        description = {
            "Write a gallery into a folder: embeddings.npy, entries.csv and gallery.json.",
            "embeddings.npy is an array of NumPy with one L2-normalized row per entry; row N of entries.csv belongs to"
                    + " its row N. Only the owner can read the files. Entries are read in batches, whatever their"
                    + " number."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryExportCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private GalleryCommand.PlaceOption gallery = new GalleryCommand.PlaceOption();

    @Option(
            names = "--out",
            required = true,
            paramLabel = "DIR",
            description = "The folder: new, empty, or with what an interrupted export has left.")
    @HelpSection(Heading.GALLERY)
    private Path folder;

    @Option(names = "--json", description = "Print one line of JSON.")
    private boolean json;

    @Override
    public Integer call() {
        PrintWriter err = spec.commandLine().getErr();
        try (GalleryPlace place = gallery.place()) {
            GalleryInfo info = place.info();
            try (Gallery people = place.read(info.fingerprint(), info.dimension());
                    CountProgress progress = new CountProgress(err, "exporting", "entries", people.size())) {
                long entries = GalleryTransfer.exportTo(people, folder, progress);
                err.printf("exported %d entries of %s into %s, %s%n", entries, place, folder, progress.speed(entries));
                if (json) {
                    Map<String, Object> result = new LinkedHashMap<>();
                    result.put("folder", folder.toString());
                    result.put("entries", entries);
                    spec.commandLine().getOut().println(Json.line(result));
                }
            }
        }
        return 0;
    }
}
