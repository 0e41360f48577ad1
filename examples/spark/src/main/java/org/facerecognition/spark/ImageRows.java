package org.facerecognition.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongConsumer;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.ImageFiles.Kind;
import org.jspecify.annotations.Nullable;

/** Makes data sets for {@link FaceEmbedding} of image files. Files are listed here, and read by the executors. */
public final class ImageRows {
    private static final int ROWS_PER_PARTITION = 1_000;
    private static final int MIN_ROWS_PER_PARTITION = 16;
    private static final int PARTITIONS_PER_CORE = 4;
    private static final StructType SCHEMA = new StructType()
            .add(FaceEmbedding.PATH, DataTypes.StringType, false)
            .add(FaceEmbedding.IDENTITY, DataTypes.StringType, true);

    private ImageRows() {}

    /** Lists a tree of image files; as {@link #folder(SparkSession, String, LongConsumer)}. */
    public static Dataset<Row> folder(SparkSession spark, String root) {
        return folder(spark, root, passedOver -> {});
    }

    /**
     * Lists the image files in a folder and below it, in any file system of Hadoop's: files with the extensions of
     * images, and without what operating systems and other programs leave behind.
     *
     * @param root folder with one folder per person
     * @param passedOver receives the number of files and folders that were passed over
     * @return {@code path}, and {@code identity}: the name of the folder in {@code root} that the image is in or below;
     *     null for images directly in {@code root}
     * @throws DataException when the folder does not exist, cannot be read or has no images
     */
    public static Dataset<Row> folder(SparkSession spark, String root, LongConsumer passedOver) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        try {
            Path folder = new Path(root);
            FileSystem system = folder.getFileSystem(spark.sessionState().newHadoopConf()); // with its settings
            Tree tree = new Tree(system);
            tree.add(folder, null, true);
            passedOver.accept(tree.passedOver);
            if (tree.rows.isEmpty()) {
                throw new DataException("folder " + root + " must have images in it or in its folders, but has none");
            }
            int partitions = partitions(tree.rows.size(), spark.sparkContext().defaultParallelism());
            return spark.createDataFrame(context.parallelize(tree.rows, partitions), SCHEMA);
        } catch (FileNotFoundException e) {
            throw new DataException("folder " + root + " does not exist", e);
        } catch (IOException | IllegalArgumentException e) {
            throw new DataException("folder " + root + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Returns some partitions for each core, because executors are not equally fast, but not many small files. */
    private static int partitions(int images, int cores) {
        int some = Math.min(PARTITIONS_PER_CORE * cores, images / MIN_ROWS_PER_PARTITION);
        return Math.max(Math.max(1, some), images / ROWS_PER_PARTITION);
    }

    private static final class Tree {
        private final FileSystem system;
        private final List<Row> rows = new ArrayList<>();
        private long passedOver;

        Tree(FileSystem system) {
            this.system = system;
        }

        void add(Path folder, @Nullable String identity, boolean top) throws IOException {
            FileStatus[] entries = system.listStatus(folder);
            Arrays.sort(entries, Comparator.comparing(FileStatus::getPath));
            for (FileStatus entry : entries) {
                Path path = entry.getPath();
                String name = path.getName(); // which this process's locale may have no java.nio.file.Path for
                if (entry.isDirectory()) {
                    if (ImageFiles.isLeftBehindFolder(name) || isLink(path)) {
                        passedOver++;
                    } else {
                        add(path, top ? path.getName() : identity, false);
                    }
                } else if (ImageFiles.kindOf(name) == Kind.IMAGE) {
                    rows.add(RowFactory.create(path.toString(), identity));
                } else {
                    passedOver++;
                }
            }
        }

        /** A link to a folder above would never end. */
        private static boolean isLink(Path path) {
            return "file".equals(path.toUri().getScheme())
                    && Files.isSymbolicLink(java.nio.file.Path.of(path.toUri().getPath()));
        }
    }

    /**
     * Lists files as Spark's data source {@code binaryFile} does, whatever their names are: paths may be globs, and
     * files and folders whose names begin with a dot or an underscore are left out.
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
