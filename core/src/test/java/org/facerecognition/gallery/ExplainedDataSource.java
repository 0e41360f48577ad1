package org.facerecognition.gallery;

import static org.facerecognition.gallery.FaultyDataSource.call;
import static org.facerecognition.gallery.FaultyDataSource.proxy;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.List;
import javax.sql.DataSource;

/** Connections that ask the database how it will execute the searches of a gallery. */
final class ExplainedDataSource {
    private static final String SEARCH = "SELECT probe.i, ";

    private ExplainedDataSource() {}

    /** @param plans receives the plan of each search */
    static DataSource of(DataSource real, List<String> plans) {
        return proxy(DataSource.class, (method, args) -> {
            Object result = call(real, method, args);
            return result instanceof Connection connection ? explaining(connection, plans) : result;
        });
    }

    private static Connection explaining(Connection real, List<String> plans) {
        return proxy(Connection.class, (method, args) -> {
            Object result = call(real, method, args);
            if (!(result instanceof PreparedStatement statement)
                    || !args[0].toString().startsWith(SEARCH)) {
                return result;
            }
            PreparedStatement explain = real.prepareStatement("EXPLAIN (VERBOSE, COSTS OFF) " + args[0]);
            return proxy(PreparedStatement.class, (called, values) -> {
                if (called.getName().equals("setArray") || called.getName().equals("setObject")) {
                    call(explain, called, values);
                } else if (called.getName().equals("executeQuery")) {
                    plans.add(lines(explain));
                }
                return call(statement, called, values);
            });
        });
    }

    private static String lines(PreparedStatement explain) throws Exception {
        StringBuilder plan = new StringBuilder();
        try (explain;
                ResultSet rows = explain.executeQuery()) {
            while (rows.next()) {
                plan.append(rows.getString(1)).append('\n');
            }
        }
        return plan.toString();
    }
}
