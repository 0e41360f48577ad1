package org.facerecognition.examples;

import org.facerecognition.examples.HelpSection.Heading;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gallery}: keeps people by name in a file or a database and identifies them in images. */
@Command(
        name = "gallery",
        description = "Enroll people in a file or a database and identify them in images.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            GalleryEnrollCommand.class,
            GalleryIdentifyCommand.class,
            GalleryListCommand.class,
            GalleryInfoCommand.class,
            GalleryRemoveCommand.class,
            GalleryExportCommand.class,
            GalleryImportCommand.class,
            GalleryCopyCommand.class,
            GalleryReembedCommand.class
        })
final class GalleryCommand {
    /** The option of the gallery's place. */
    @HelpSection(Heading.GALLERY)
    static final class PlaceOption {
        @Option(
                names = "--gallery",
                required = true,
                paramLabel = "FILE|URL",
                description =
                        "The gallery's file; or jdbc:postgresql://HOST/DATABASE?gallery=NAME for one in PostgreSQL"
                                + " with pgvector (NAME is faces by default; user and password: PGUSER and PGPASSWORD in the"
                                + " environment, or ~/.pgpass).")
        private String gallery;

        /** Returns the place; owned. */
        GalleryPlace place() {
            return GalleryPlace.of(gallery);
        }
    }

    private GalleryCommand() {}

    /** Returns a name that is safe to print on a terminal: without the control characters that may be in it. */
    static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
