package org.facerecognition.gallery;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A gallery's file and where the rows are in it.
 *
 * @param offsets by row
 */
record RowFile(EntryFile file, LongColumn offsets) {
    /** Returns the entry of a row; null if it was erased. */
    LogRecord.@Nullable Enrolled read(int row) {
        return file.read(offsets.get(row));
    }

    /** Reads the embeddings of rows in ascending order; see {@link EntryFile#readVectors}. */
    void readVectors(int[] rows, EntryFile.VectorSink to) {
        file.readVectors(Arrays.stream(rows).mapToLong(offsets::get).toArray(), to);
    }

    /** Returns the embeddings of rows, in ascending order, that are not erased. */
    List<float[]> vectors(int[] rows) {
        List<float[]> vectors = new ArrayList<>(rows.length);
        readVectors(rows, (at, unit) -> {
            float[] vector = new float[unit.remaining() / Float.BYTES];
            unit.asFloatBuffer().get(vector);
            vectors.add(vector);
        });
        return vectors;
    }
}
