package org.facerecognition.spark;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.SearchMethod;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The program for spark-submit that enrolls embeddings in a gallery. */
@Command(
        name = "EnrollJob",
        description = {
            "Enroll the embeddings that EmbedJob has written in a gallery's file on the driver's machine.",
            "The gallery is created if there is none; one of another model is refused. What is there already is not"
                    + " enrolled again."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class EnrollJob implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--embeddings",
            required = true,
            paramLabel = "DIR",
            description = "What EmbedJob has written. Rows without an embedding or an identity are left out.")
    private String embeddings;

    @Option(names = "--gallery", required = true, paramLabel = "FILE", description = "The gallery's file.")
    private Path file;

    private static final Pattern ADDRESS = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:"); // two letters: no Windows drive

    /** Enrolls embeddings; see {@code --help}. */
    public static void main(String[] args) {
        Commands.run(new EnrollJob(), args);
    }

    @Override
    public Integer call() {
        PrintWriter err = spec.commandLine().getErr();
        if (ADDRESS.matcher(file.toString()).lookingAt()) { // not printed: it may have a password
            throw new ParameterException(
                    spec.commandLine(),
                    "--gallery must be a file on the driver's machine, but is an address; enroll into a file, and copy"
                            + " that into a database with the command gallery copy");
        }
        SparkSession spark = SparkSession.builder().getOrCreate();
        Dataset<Row> rows = spark.read().parquet(embeddings);
        GalleryInfo info = GalleryRows.info(rows);
        try (Gallery gallery = Gallery.open(file, info.fingerprint(), info.dimension(), SearchMethod.ON_DISK)) {
            GalleryRows.Result result = GalleryRows.enrollStored(rows, gallery, why -> err.println("left out: " + why));
            err.printf(
                    Locale.ROOT,
                    "enrolled %d, already there %d, left out %d without an identity and %d that were"
                            + " rejected; %s has %d%n",
                    result.added(),
                    result.alreadyThere(),
                    result.withoutIdentity(),
                    result.rejected(),
                    file,
                    gallery.size());
        }
        return 0;
    }
}
