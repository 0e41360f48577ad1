package org.facerecognition.examples;

import org.facerecognition.examples.HelpSection.Heading;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
            GalleryCompactCommand.class,
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

        @Mixin
        private OnDiskOption onDisk = new OnDiskOption();

        /** Returns the place; owned. */
        GalleryPlace place() {
            return GalleryPlace.of(gallery, onDisk.isGiven());
        }
    }

    /** The option of galleries that are larger than memory. */
    @HelpSection(Heading.GALLERY)
    static final class OnDiskOption {
        @Option(
                names = "--on-disk",
                description =
                        "Leave embeddings and names in the gallery's file, and hold only codes of one bit per value"
                                + " in memory, which may miss the nearest person in principle. Default for files of more than"
                                + " half the memory.")
        private boolean given;

        boolean isGiven() {
            return given;
        }
    }

    private GalleryCommand() {}

    /** Returns a name that is safe to print on a terminal: without the control characters that may be in it. */
    static String printable(Object text) {
        return text.toString().replaceAll("\\p{Cc}", "?");
    }
}
