package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.Recognizer;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.SearchMethod;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gallery}: people by name, kept in a file. */
@Command(
        name = "gallery",
        description = "Enrol people in a file, and tell who is on a picture, or that it is nobody of them.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            GalleryEnrolCommand.class,
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

        /** To change it; made when it is not there. */
        Gallery open(Recognizer recognizer) {
            return Gallery.open(file, recognizer.fingerprint(), recognizer.embeddingSize());
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
