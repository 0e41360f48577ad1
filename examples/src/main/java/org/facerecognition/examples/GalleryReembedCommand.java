package org.facerecognition.examples;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.facerecognition.data.EmbeddingMode;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryException;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gallery reembed}: enrolls the images of a gallery with another model in another gallery. */
@Command(
        name = "reembed",
        description = {
            "Enroll the images of a gallery with another model in another gallery.",
            "The image of an entry is the file that it was enrolled from, or with --folder the image there that has the"
                    + " same content, whatever its name; if its face was found by a detector, --detector is needed."
                    + " Names, notes and attributes are kept. What is in the other gallery already is skipped, so that"
                    + " a killed run can be repeated. The exit code is 1 if an entry is left out because its image is"
                    + " missing, was changed or cannot be used."
        },
        mixinStandardHelpOptions = true,
        showDefaultValues = true,
        sortOptions = false)
final class GalleryReembedCommand implements Callable<Integer> {
    private static final int MAX_LISTED = 20; // entries that are left out
    private static final String FOUND = " face found by detector "; // in embedding modes, whose words stay the same
    private static final String MIRRORED = " mirror images, ";

    @Spec
    private CommandSpec spec;

    @Mixin
    private GalleryCommand.PlaceOption gallery = new GalleryCommand.PlaceOption();

    @Option(
            names = "--to",
            required = true,
            paramLabel = "FILE|URL",
            description = "The other gallery, which is created if there is none: a file, or"
                    + " jdbc:postgresql://HOST/DATABASE?gallery=NAME.")
    @HelpSection(Heading.GALLERY)
    private String to;

    @Option(
            names = "--folder",
            paramLabel = "DIR",
            description = "Find the images by content anywhere below this folder.")
    @HelpSection(Heading.GALLERY)
    private @Nullable Path folder;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private DetectorOptions detector = new DetectorOptions();

    @Mixin
    private FaceOption face = new FaceOption();

    @Option(names = "--no-flip", description = "Do not add the embedding of each image's mirror image.")
    @HelpSection(Heading.MODEL)
    private boolean noFlip;

    @Option(
            names = "--drop-attributes",
            description = "Leave attributes out, which a gallery in a file does not store.")
    @HelpSection(Heading.GALLERY)
    private boolean dropAttributes;

    @Option(names = "--json", description = "End with one line of JSON on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        Optional<FaceDetector> faceDetector = detector.open(err);
        Reembedding reembedding;
        int total;
        try (GalleryPlace source = gallery.place();
                GalleryPlace target = GalleryPlace.of(to);
                LoadedEmbedder loaded = model.loadToEmbed(faceDetector.orElse(null), face.choice(), !noFlip)) {
            GalleryInfo info = source.info();
            requireFacesFound(info.embeddingMode(), loaded.embedder().embeddingMode());
            String fingerprint = loaded.embedder().fingerprint();
            int size = loaded.embedder().embeddingSize();
            try (Gallery from = source.read(info.fingerprint(), info.dimension());
                    Gallery other = target.openForMany(fingerprint, size);
                    GalleryPlace.Unused unused = target.unused(other)) {
                target.eraseOtherThumbnails(other); // of a former gallery of this name
                other.bindEmbeddingMode(loaded.embedder().embeddingMode().toString());
                EntryImages images = folder == null ? EntryImages.byNote() : EntryImages.below(folder, err::println);
                reembedding = new Reembedding(loaded.embedder(), images, dropAttributes);
                int before = other.size();
                try (CountProgress progress = new CountProgress(err, "embedding", "entries", from.size())) {
                    reembedding.run(from, other, progress);
                } catch (GalleryException e) { // earlier batches stay; the gallery may not answer any more
                    report(reembedding, target, before + reembedding.enrolled(), "; run this again to continue");
                    throw e;
                }
                total = other.size();
                if (reembedding.leftOut().isEmpty()) {
                    unused.keep();
                }
            }
            target.makeIndex(fingerprint, size);
            report(reembedding, target, total, "");
        } finally {
            faceDetector.ifPresent(FaceDetector::close);
        }
        return reembedding.leftOut().isEmpty() ? 0 : Main.FAILED;
    }

    /**
     * Rejects to embed whole the photographs in which the former model's faces were found. The opposite is possible: it
     * mends a gallery that was filled without the detector that its photographs need.
     *
     * @param former the gallery's embedding mode; null if none was bound
     */
    private void requireFacesFound(@Nullable String former, EmbeddingMode now) {
        if (former == null) {
            return;
        }
        if (former.contains(FOUND) && now.detection() == null) {
            throw new IllegalArgumentException("--detector must be given, since the images of this gallery are"
                    + " photographs in which faces were found (" + former + "); without it they would be embedded"
                    + " whole");
        }
        boolean mirrored = former.contains(" with" + MIRRORED);
        if (mirrored != now.flip() && former.contains(MIRRORED)) {
            spec.commandLine()
                    .getErr()
                    .println("note: the former embeddings are with" + (mirrored ? "" : "out") + MIRRORED
                            + "the new ones with" + (now.flip() ? " them; --no-flip leaves them out" : "out them"));
        }
    }

    private void report(Reembedding done, GalleryPlace where, int total, String end) {
        PrintWriter err = spec.commandLine().getErr();
        Map<String, String> leftOut = done.leftOut();
        leftOut.values().stream().limit(MAX_LISTED).forEach(why -> err.println("left out: " + why));
        if (leftOut.size() > MAX_LISTED) {
            err.println("left out: and " + (leftOut.size() - MAX_LISTED) + " more; --json lists them");
        }
        err.printf(
                "enrolled %d, already there %d, left out %d; %s has %d%s%n",
                done.enrolled(), done.alreadyThere(), leftOut.size(), where, total, end);
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("enrolled", done.enrolled());
            result.put("already_there", done.alreadyThere());
            result.put("left_out", leftOut);
            result.put("entries", total);
            Json.print(spec.commandLine().getOut(), result);
        }
    }
}
