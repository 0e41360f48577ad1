package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.gallery.GalleryTransfer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gallery import}: enrolls the entries of an exported gallery. */
@Command(
        name = "import",
        description = {
            "Enroll the entries of a folder that gallery export or another program has written.",
            "The gallery is created if there is none; one of another model is refused. All rows are checked before the"
                    + " first is enrolled. What is there already is not enrolled again, so that an import that was"
                    + " killed can be repeated."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryImportCommand implements Callable<Integer> {
    @Mixin
    private GalleryCommand.PlaceOption gallery = new GalleryCommand.PlaceOption();

    @Option(
            names = "--from",
            required = true,
            paramLabel = "DIR",
            description = "The folder, with embeddings.npy, entries.csv and gallery.json.")
    @HelpSection(Heading.GALLERY)
    private Path folder;

    @Mixin
    private TransferOptions options = new TransferOptions();

    @Override
    public Integer call() throws IOException {
        GalleryTransfer.Exported exported = GalleryTransfer.info(folder);
        try (GalleryPlace place = gallery.place()) {
            options.run(
                    "importing",
                    place,
                    exported.gallery(),
                    exported.entries(),
                    (to, attributes, progress) -> GalleryTransfer.importFrom(folder, to, attributes, progress));
        }
        return 0;
    }
}
