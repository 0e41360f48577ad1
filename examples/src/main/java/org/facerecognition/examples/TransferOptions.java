package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongConsumer;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryException;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.GalleryTransfer.AttributesPolicy;
import org.facerecognition.gallery.GalleryTransfer.Result;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of commands that enroll all entries of another gallery or of an exported one. */
final class TransferOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = "--drop-attributes",
            description = "Leave attributes out. Without this, a gallery in a file, which stores none, takes no entries"
                    + " that have some.")
    @HelpSection(Heading.GALLERY)
    private boolean dropAttributes;

    @Option(names = "--json", description = "Print one line of JSON.")
    private boolean json;

    /** Enrolls entries. */
    interface Transfer {
        Result run(Gallery to, AttributesPolicy attributes, LongConsumer progress);
    }

    /**
     * Enrolls all entries in a gallery, which is created if there is none, and reports it.
     *
     * @param entries their number
     */
    void run(String what, GalleryPlace place, GalleryInfo info, long entries, Transfer transfer) throws IOException {
        PrintWriter err = command.commandLine().getErr();
        try (Gallery to = place.openForMany(info.fingerprint(), info.dimension());
                GalleryPlace.Unused unused = place.unused(to);
                CountProgress progress = new CountProgress(err, what, "entries", entries)) {
            place.eraseOtherThumbnails(to); // of a former gallery of this name
            int before = to.size();
            try {
                Result result =
                        transfer.run(to, dropAttributes ? AttributesPolicy.DROP : AttributesPolicy.KEEP, progress);
                report(what, place, result, to.size(), ", " + progress.speed(entries), "");
                unused.keep();
            } catch (GalleryException e) {
                // what was enrolled before stays; the gallery may not answer any more
                e.transferred()
                        .ifPresent(done -> report(
                                what,
                                place,
                                done,
                                before + Math.toIntExact(done.added()),
                                "",
                                "; run this again to continue"));
                throw e;
            }
        }
        place.makeIndex(info.fingerprint(), info.dimension());
    }

    private void report(String what, GalleryPlace place, Result result, int total, String speed, String end) {
        command.commandLine()
                .getErr()
                .printf(
                        "%s: added %d entries, already there %d%s; %s has %d%s%n",
                        what, result.added(), result.alreadyThere(), speed, place, total, end);
        if (json) {
            Map<String, Object> figures = new LinkedHashMap<>();
            figures.put("added", result.added());
            figures.put("already_there", result.alreadyThere());
            figures.put("entries", total);
            command.commandLine().getOut().println(Json.line(figures));
        }
    }
}
