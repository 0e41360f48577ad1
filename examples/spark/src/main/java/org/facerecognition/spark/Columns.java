package org.facerecognition.spark;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/** Finds columns by name as Spark's session does, which by default takes {@code Path} for {@code path}. */
final class Columns {
    private final StructType schema;
    private final boolean caseSensitive;

    private Columns(StructType schema, boolean caseSensitive) {
        this.schema = schema;
        this.caseSensitive = caseSensitive;
    }

    static Columns of(Dataset<Row> rows) {
        return new Columns(
                rows.schema(), rows.sparkSession().sessionState().conf().caseSensitiveAnalysis());
    }

    /**
     * Returns the position of a column; negative if there is none.
     *
     * @throws IllegalArgumentException when there are several
     */
    int indexOf(String name) {
        String[] names = schema.fieldNames();
        int[] found = IntStream.range(0, names.length)
                .filter(i -> isSame(names[i], name))
                .toArray();
        if (found.length > 1) {
            throw new IllegalArgumentException("there must be one column " + name + ", but there are several in "
                    + Arrays.toString(names) + "; rename or drop the others");
        }
        return found.length == 0 ? -1 : found[0];
    }

    private boolean isSame(String name, String other) {
        return caseSensitive ? name.equals(other) : name.equalsIgnoreCase(other);
    }
}
