package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Path;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.examples.web.FaceThumbnails;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.SearchMethod;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gallery}: keeps people by name in a file and identifies them in images. */
@Command(
        name = "gallery",
        description = "Enroll people in a file and identify them in images.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            GalleryEnrollCommand.class,
            GalleryIdentifyCommand.class,
            GalleryListCommand.class,
            GalleryRemoveCommand.class
        })
final class GalleryCommand {
    /** The option of the gallery's file, which opens it. */
    @HelpSection(Heading.GALLERY)
    static final class FileOption {
        @Option(names = "--gallery", required = true, paramLabel = "FILE", description = "The gallery's file.")
        private Path file;

        Path file() {
            return file;
        }

        /** Opens the gallery for changes and creates its file if necessary; owned. */
        Gallery open(FaceEmbedder embedder) throws IOException {
            return open(embedder.fingerprint(), embedder.embeddingSize());
        }

        /**
         * Opens the gallery for changes and creates its file if necessary. First erases the face thumbnails that the
         * page has stored for entries that no longer exist.
         *
         * @return owned
         */
        Gallery open(String fingerprint, int dimension) throws IOException {
            Gallery gallery = Gallery.open(file, fingerprint, dimension);
            try {
                FaceThumbnails.eraseOthers(
                        file, gallery.entries().stream().map(Entry::id).toList());
                return gallery;
            } catch (IOException | RuntimeException e) {
                gallery.close();
                throw e;
            }
        }

        /** Opens the gallery for reading, which is possible while another process has it open; owned. */
        Gallery read(FaceEmbedder embedder) {
            return Gallery.openReadOnly(file, embedder.fingerprint(), embedder.embeddingSize(), SearchMethod.EXACT);
        }
    }

    private GalleryCommand() {}

    /** Returns a name that is safe to print on a terminal: without the control characters that may be in it. */
    static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
