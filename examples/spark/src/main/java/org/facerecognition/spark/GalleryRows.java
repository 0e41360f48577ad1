package org.facerecognition.spark;

import static org.apache.spark.sql.functions.array_compact;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.size;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegralType;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.storage.StorageLevel;
import org.facerecognition.data.DataException;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.GalleryInfo;
import org.facerecognition.gallery.UniqueIn;
import org.jspecify.annotations.Nullable;

/** Enrolls the embeddings of a data set that {@link FaceEmbedding} has made in a gallery. */
public final class GalleryRows {
    private static final int BATCH = 1_000;
    private static final int MAX_ROUNDS = 100; // in each, another program has enrolled one of the images
    private static final List<String> NEEDED = List.of(
            FaceEmbedding.IDENTITY,
            FaceEmbedding.EMBEDDING,
            FaceEmbedding.CONTENT_KEY,
            FaceEmbedding.FINGERPRINT,
            FaceEmbedding.EMBEDDING_MODE);

    private GalleryRows() {}

    /**
     * What became of the rows.
     *
     * @param added number of entries that are new
     * @param alreadyThere number of entries that were there already
     * @param withoutIdentity number of embeddings without the name of a person, which were left out
     * @param rejected number of rows that were left out because a gallery rejects the name, the embedding or another
     *     value, or because the same image is enrolled under another name
     */
    public record Result(long added, long alreadyThere, long withoutIdentity, long rejected) {}

    /**
     * Reads which model all embeddings are of.
     *
     * @throws IllegalArgumentException when a column is missing or of a wrong type; nothing is computed before
     * @throws DataException when there are no embeddings, those of several models or modes, or nulls within them
     */
    public static GalleryInfo info(Dataset<Row> embeddings) {
        requireColumns(embeddings);
        List<Row> models = embedded(embeddings)
                .select(
                        col(FaceEmbedding.FINGERPRINT),
                        size(col(FaceEmbedding.EMBEDDING)).as("dimension"),
                        col(FaceEmbedding.EMBEDDING_MODE),
                        size(array_compact(col(FaceEmbedding.EMBEDDING))).as("values"))
                .distinct()
                .limit(2)
                .collectAsList();
        if (models.isEmpty()) {
            throw new DataException("there are no embeddings to enroll; the column error says why");
        }
        for (Row model : models) {
            if (model.isNullAt(0) || model.isNullAt(2) || model.getInt(1) != model.getInt(3)) {
                throw new DataException("an embedding must have all of its values, a fingerprint and an embedding mode,"
                        + " but one has nulls in their place; leave it out with a filter");
            }
        }
        if (models.size() > 1) {
            throw new DataException("all embeddings must be of one model and mode, which can be compared, but there are"
                    + " those of " + models.get(0) + " and of " + models.get(1) + "; select one with a filter");
        }
        Row model = models.get(0);
        return new GalleryInfo(model.getString(0), model.getInt(1), model.getString(2));
    }

    /** Checks names and types of all columns that are used. */
    private static void requireColumns(Dataset<Row> embeddings) {
        Columns columns = Columns.of(embeddings);
        for (String name : NEEDED) {
            int index = columns.indexOf(name);
            if (index < 0) {
                throw new IllegalArgumentException("the embeddings must have a column " + name + ", but have "
                        + Arrays.toString(embeddings.columns())
                        + (name.equals(FaceEmbedding.IDENTITY) ? "; add one with the names of the people" : ""));
            }
            DataType type = embeddings.schema().apply(index).dataType();
            switch (name) {
                case FaceEmbedding.IDENTITY -> require(isName(type), name, "strings or whole numbers as names", type);
                case FaceEmbedding.EMBEDDING -> require(isEmbedding(type), name, "arrays of float or double", type);
                default -> require(isText(type), name, "strings", type);
            }
        }
        int path = columns.indexOf(FaceEmbedding.PATH);
        if (path >= 0) {
            DataType type = embeddings.schema().apply(path).dataType();
            require(isText(type), FaceEmbedding.PATH, "strings", type);
        }
    }

    private static void require(boolean holds, String column, String rule, DataType type) {
        if (!holds) {
            throw new IllegalArgumentException("the column " + column + " must have " + rule + ", but is of type "
                    + type.simpleString() + "; replace it with a column of "
                    + (column.equals(FaceEmbedding.EMBEDDING) ? "such arrays" : "strings"));
        }
    }

    private static boolean isText(DataType type) {
        return type instanceof StringType || type instanceof NullType;
    }

    private static boolean isEmbedding(DataType type) {
        return type instanceof ArrayType array
                && (array.elementType() instanceof FloatType || array.elementType() instanceof DoubleType);
    }

    /** Numbers with a fraction are no names: 7 would become 7.0. */
    private static boolean isName(DataType type) {
        return type instanceof StringType
                || type instanceof IntegralType
                || (type instanceof DecimalType decimal && decimal.scale() == 0)
                || type instanceof NullType; // nobody has an identity
    }

    private static Dataset<Row> embedded(Dataset<Row> embeddings) {
        return embeddings.filter(col(FaceEmbedding.EMBEDDING).isNotNull());
    }

    /**
     * Enrolls all embeddings that have an identity, with the path as the note if there is one, and binds the gallery to
     * their mode. An image that is there already under the same name is not enrolled again, wherever it was read from,
     * so that this can be repeated; under another name it is left out. One partition at a time is in memory. The rows
     * are kept on the executors' disks meanwhile, unless they are persisted already.
     *
     * @param to open for writing, of the model that {@link #info} says; borrowed
     * @param leftOut receives a sentence for each row that is {@link Result#rejected}
     * @throws org.facerecognition.gallery.GalleryException when the gallery is of another model or mode, or cannot be
     *     written; what was enrolled before stays
     * @throws DataException as {@link #info}
     */
    public static Result enroll(Dataset<Row> embeddings, Gallery to, Consumer<String> leftOut) {
        // read three times below: rows that FaceEmbedding computes would be computed three times
        boolean persists = embeddings.storageLevel().equals(StorageLevel.NONE());
        Dataset<Row> kept = persists ? embeddings.persist(StorageLevel.DISK_ONLY()) : embeddings;
        try {
            return enrollStored(kept, to, leftOut);
        } finally {
            if (persists) {
                kept.unpersist();
            }
        }
    }

    /** Enrolls rows as {@link #enroll} does that are cheap to read several times, such as those of Parquet files. */
    static Result enrollStored(Dataset<Row> embeddings, Gallery to, Consumer<String> leftOut) {
        GalleryInfo info = info(embeddings);
        requireSameModel(info, to);
        if (info.embeddingMode() != null) {
            to.bindEmbeddingMode(info.embeddingMode());
        }
        Dataset<Row> embedded = embedded(embeddings);
        Batches batches = new Batches(to, leftOut);
        Iterator<Row> rows = embedded.filter(col(FaceEmbedding.IDENTITY).isNotNull())
                .select(
                        col(FaceEmbedding.IDENTITY).cast("string"),
                        col(FaceEmbedding.EMBEDDING).cast("array<float>"),
                        Columns.of(embeddings).indexOf(FaceEmbedding.PATH) >= 0
                                ? col(FaceEmbedding.PATH)
                                : lit(null).cast("string"), // rows that were read as bytes
                        col(FaceEmbedding.CONTENT_KEY))
                .toLocalIterator();
        while (rows.hasNext()) {
            batches.add(rows.next());
        }
        batches.flush();
        long withoutIdentity =
                embedded.filter(col(FaceEmbedding.IDENTITY).isNull()).count();
        return new Result(batches.added, batches.alreadyThere, withoutIdentity, batches.rejected);
    }

    private static void requireSameModel(GalleryInfo info, Gallery to) {
        if (!to.fingerprint().equals(info.fingerprint()) || to.dimension() != info.dimension()) {
            throw new DataException("the embeddings are of the model " + info.fingerprint() + " with "
                    + info.dimension() + " values and cannot be compared with those of the gallery, of "
                    + to.fingerprint() + " with " + to.dimension() + "; enroll them in another gallery");
        }
    }

    private static final class Batches {
        private final Gallery gallery;
        private final Consumer<String> leftOut;
        private final List<Enrollment> batch = new ArrayList<>(BATCH);
        private long added;
        private long alreadyThere;
        private long rejected;

        Batches(Gallery gallery, Consumer<String> leftOut) {
            this.gallery = gallery;
            this.leftOut = leftOut;
        }

        void add(Row row) {
            @Nullable String path = row.getString(2);
            try {
                batch.add(new Enrollment(row.getString(0), floats(row.getList(1)), path, row.getString(3))
                        .checked(gallery.dimension()));
            } catch (IllegalArgumentException e) {
                reject(path, String.valueOf(e.getMessage()));
            }
            if (batch.size() == BATCH) {
                flush();
            }
        }

        private static float[] floats(List<Float> values) {
            float[] floats = new float[values.size()];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = values.get(i);
            }
            return floats;
        }

        void flush() {
            for (int round = 0; !batch.isEmpty(); round++) {
                if (round == MAX_ROUNDS) {
                    throw new IllegalStateException("the gallery must find the images that it says are there, but does"
                            + " not find the one with the content key "
                            + batch.get(0).contentKey());
                }
                List<Enrollment> missing = missing();
                batch.clear();
                enroll(missing);
            }
        }

        private List<Enrollment> missing() {
            Map<String, List<Entry>> there = gallery
                    .withContentKeys(batch.stream()
                            .map(Enrollment::contentKey)
                            .filter(Objects::nonNull)
                            .toList())
                    .stream()
                    .collect(Collectors.groupingBy(entry -> String.valueOf(entry.contentKey())));
            List<Enrollment> missing = new ArrayList<>();
            for (Enrollment image : batch) {
                String key = image.contentKey();
                List<Entry> same = key == null ? List.of() : there.getOrDefault(key, List.of());
                if (same.stream().anyMatch(entry -> Gallery.isSameName(entry.identity(), image.identity()))) {
                    alreadyThere++; // maybe from another path, or embedded on another kind of processor
                } else if (!same.isEmpty()) {
                    reject(
                            image.note(),
                            "the same image is enrolled as " + same.get(0).identity()
                                    + "; it must belong to one person");
                } else {
                    missing.add(image);
                    if (key != null) {
                        there.put(key, List.of(new Entry(0, image.identity(), image.note(), key)));
                    }
                }
            }
            return missing;
        }

        /** Enrolls images; those that another program has enrolled in the meantime go back to the batch. */
        private void enroll(List<Enrollment> missing) {
            List<Enrollment> withKey =
                    missing.stream().filter(image -> image.contentKey() != null).toList();
            List<Enrollment> withoutKey =
                    missing.stream().filter(image -> image.contentKey() == null).toList();
            long[] ids = gallery.enrollNewImages(withKey, UniqueIn.GALLERY);
            for (int i = 0; i < ids.length; i++) {
                if (ids[i] == 0) {
                    batch.add(withKey.get(i));
                } else {
                    added++;
                }
            }
            int enrolled = withoutKey.isEmpty() ? 0 : gallery.enrollMissing(withoutKey).length;
            added += enrolled;
            alreadyThere += withoutKey.size() - enrolled;
        }

        private void reject(@Nullable String path, String reason) {
            rejected++;
            leftOut.accept((path == null ? "" : path + ": ") + reason);
        }
    }
}
