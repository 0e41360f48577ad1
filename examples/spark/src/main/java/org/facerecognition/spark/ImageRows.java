package org.facerecognition.spark;

import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.facerecognition.data.DataException;
import org.facerecognition.data.PassedOver;

/** Makes data sets for {@link FaceEmbedding} of image files. Files are listed here, and read by the executors. */
public final class ImageRows {
    private static final int ROWS_PER_PARTITION = 1_000;
    private static final int MIN_ROWS_PER_PARTITION = 16;
    private static final int PARTITIONS_PER_CORE = 4;
    private static final StructType SCHEMA = new StructType()
            .add(FaceEmbedding.PATH, DataTypes.StringType, false)
            .add(FaceEmbedding.IDENTITY, DataTypes.StringType, true);

    private ImageRows() {}

    /** Lists a tree of image files; as {@link #folder(SparkSession, String, Consumer)}. */
    public static Dataset<Row> folder(SparkSession spark, String root) {
        return folder(spark, root, passedOver -> {});
    }

    /**
     * Lists the image files in a folder and below it, in any file system of Hadoop's: files with the extensions of
     * images, and without what operating systems and other programs leave behind. Links to folders are followed,
     * except those to a folder above them, and those within a folder that a link leads to.
     *
     * @param root folder with one folder per person
     * @param passedOver receives what was passed over: by kind, and each file and folder that may be or have an image
     *     and cannot be used, with the reason
     * @return {@code path}, and {@code identity}: the name of the folder in {@code root} that the image is in or below;
     *     null for images directly in {@code root}
     * @throws DataException when the folder does not exist, cannot be read or has no images
     */
    public static Dataset<Row> folder(SparkSession spark, String root, Consumer<PassedOver> passedOver) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        PassedOver others = new PassedOver();
        List<Row> rows;
        try {
            Path folder = new Path(root);
            FileSystem system = folder.getFileSystem(spark.sessionState().newHadoopConf()); // with its settings
            rows = ImageTree.list(folder, system, others);
        } catch (IOException | IllegalArgumentException e) {
            throw new DataException("folder " + root + " cannot be read: " + e.getMessage(), e);
        }
        passedOver.accept(others);
        if (rows.isEmpty()) {
            throw new DataException(
                    "folder " + root + " must have images in it or in its folders, but " + others.instead());
        }
        int partitions = partitions(rows.size(), spark.sparkContext().defaultParallelism());
        return spark.createDataFrame(context.parallelize(rows, partitions), SCHEMA);
    }

    /** Returns some partitions for each core, because executors are not equally fast, but not many small files. */
    private static int partitions(int images, int cores) {
        int some = Math.min(PARTITIONS_PER_CORE * cores, images / MIN_ROWS_PER_PARTITION);
        return Math.max(Math.max(1, some), images / ROWS_PER_PARTITION);
    }

    /**
     * Lists files as Spark's data source {@code binaryFile} does, whatever their names are: paths may be globs, and
     * files and folders whose names begin with a dot or an underscore are left out. So are, without a word, files of
     * this machine with names that this process cannot decode, for which it needs a UTF-8 locale.
     *
     * @param paths files and folders, which are searched with all folders below them
     * @return {@code path}
     */
    public static Dataset<Row> files(SparkSession spark, String... paths) {
        return spark.read()
                .format("binaryFile")
                .option("recursiveFileLookup", true)
                .load(paths)
                .select(FaceEmbedding.PATH); // Spark does not read what is not selected
    }
}
