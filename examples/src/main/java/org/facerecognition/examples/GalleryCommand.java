package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Path;
import org.facerecognition.Recognizer;
import org.facerecognition.examples.web.FaceThumbnails;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.SearchMethod;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gallery}: people by name, kept in a file. */
@Command(
        name = "gallery",
        description = "Enroll people in a file, and tell who is on an image, or that it is nobody of them.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            GalleryEnrollCommand.class,
            GalleryIdentifyCommand.class,
            GalleryListCommand.class,
            GalleryRemoveCommand.class
        })
final class GalleryCommand {
    /** Which file. */
    static final class FileOption {
        @Option(names = "--gallery", required = true, paramLabel = "FILE", description = "The gallery's file.")
        private Path file;

        Path file() {
            return file;
        }

        /** To change it; created when it is not there. */
        Gallery open(Recognizer recognizer) throws IOException {
            return open(recognizer.fingerprint(), recognizer.embeddingSize());
        }

        /**
         * To change it; created when it is not there. Small images of faces that the page has kept of entries that are
         * gone are erased first.
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

        /** To ask it, even while another process has it open. */
        Gallery read(Recognizer recognizer) {
            return Gallery.openReadOnly(file, recognizer.fingerprint(), recognizer.embeddingSize(), SearchMethod.EXACT);
        }
    }

    private GalleryCommand() {}

    /** A name as a terminal may get it: whoever enrolled it might have put control characters in. */
    static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
