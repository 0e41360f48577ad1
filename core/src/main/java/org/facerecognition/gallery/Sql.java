package org.facerecognition.gallery;

import java.nio.ByteBuffer;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs SQL. Values are parameters, never part of the statement's text. */
final class Sql {
    private static final int ROWS_PER_FETCH = 1_000;
    private static final int VECTOR_HEADER_BYTES = 4; // the number of values and a reserved field, two bytes each

    private static final String WARNING_STATES = "01";

    private Sql() {}

    /** Takes a row of a result. */
    interface Row<T> {
        T of(ResultSet row) throws SQLException;
    }

    /**
     * Runs a statement without parameters and results.
     *
     * @return the server's first warning, not a notice; null if there is none
     */
    static @Nullable String run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
            for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
                if (String.valueOf(warning.getSQLState()).startsWith(WARNING_STATES)) {
                    return warning.getMessage();
                }
            }
            return null;
        }
    }

    /**
     * Changes rows.
     *
     * @param parameters numbers, texts, null, and arrays of {@code Long} and {@code String}
     * @return the number of rows
     */
    static int update(Connection connection, String sql, @Nullable Object... parameters) throws SQLException {
        try (PreparedStatement statement = prepared(connection, sql, parameters)) {
            return statement.executeUpdate();
        }
    }

    /**
     * Reads rows.
     *
     * @param parameters as in {@link #update}
     */
    static <T> List<T> query(Connection connection, Row<T> row, String sql, @Nullable Object... parameters)
            throws SQLException {
        try (PreparedStatement statement = prepared(connection, sql, parameters)) {
            statement.setFetchSize(ROWS_PER_FETCH);
            try (ResultSet rows = statement.executeQuery()) {
                List<T> all = new ArrayList<>();
                while (rows.next()) {
                    all.add(row.of(rows));
                }
                return all;
            }
        }
    }

    private static PreparedStatement prepared(Connection connection, String sql, @Nullable Object... parameters)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        try {
            for (int i = 0; i < parameters.length; i++) {
                @Nullable Object value = parameters[i];
                if (value instanceof Object[] values) {
                    statement.setArray(
                            i + 1, connection.createArrayOf(values instanceof Long[] ? "int8" : "text", values));
                } else {
                    statement.setObject(i + 1, value);
                }
            }
            return statement;
        } catch (SQLException | RuntimeException e) {
            statement.close();
            throw e;
        }
    }

    /** Returns a column of type bigint[]. */
    static long[] longs(ResultSet row, int column) throws SQLException {
        Array array = row.getArray(column);
        Object[] values = (Object[]) array.getArray();
        long[] longs = new long[values.length];
        for (int i = 0; i < longs.length; i++) {
            longs[i] = ((Number) values[i]).longValue();
        }
        array.free();
        return longs;
    }

    /** Returns an embedding as a text of pgvector, which reads the same numbers from it. */
    static String vector(float[] values) {
        StringBuilder text = new StringBuilder(12 * values.length).append('[');
        for (int i = 0; i < values.length; i++) {
            text.append(i == 0 ? "" : ",").append(values[i]);
        }
        return text.append(']').toString();
    }

    /** Returns the values of a column of the form {@code vector_send(embedding)}. */
    static float[] vector(ResultSet row, int column) throws SQLException {
        ByteBuffer bytes = ByteBuffer.wrap(row.getBytes(column));
        float[] values = new float[(bytes.remaining() - VECTOR_HEADER_BYTES) / Float.BYTES];
        bytes.position(VECTOR_HEADER_BYTES);
        bytes.asFloatBuffer().get(values);
        return values;
    }
}
