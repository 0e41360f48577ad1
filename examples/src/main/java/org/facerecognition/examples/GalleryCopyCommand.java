package org.facerecognition.examples;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.GalleryTransfer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gallery copy}: enrolls the entries of a gallery in another one. */
@Command(
        name = "copy",
        description = {
            "Enroll the entries of a gallery in another one, such as those of a file in a database.",
            "The other gallery is created if there is none; one of another model is refused. What is there already is"
                    + " not enrolled again, so that a copy that was killed can be repeated."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class GalleryCopyCommand implements Callable<Integer> {
    @Option(
            names = "--from",
            required = true,
            paramLabel = "FILE|URL",
            description = "The gallery to read: a file, or jdbc:postgresql://HOST/DATABASE?gallery=NAME.")
    @HelpSection(Heading.GALLERY)
    private String from;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "FILE|URL",
            description = "The gallery to enroll in: a file, or jdbc:postgresql://HOST/DATABASE?gallery=NAME.")
    @HelpSection(Heading.GALLERY)
    private String to;

    @Mixin
    private TransferOptions options = new TransferOptions();

    @Override
    public Integer call() throws IOException {
        try (GalleryPlace source = GalleryPlace.of(from);
                GalleryPlace target = GalleryPlace.of(to)) {
            GalleryInfo info = source.info();
            try (Gallery people = source.read(info.fingerprint(), info.dimension())) {
                options.run(
                        "copying",
                        target,
                        info,
                        people.size(),
                        (other, attributes, progress) -> GalleryTransfer.copy(people, other, attributes, progress));
            }
        }
        return 0;
    }
}
