package org.facerecognition.gallery;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Runs transactions of a gallery in PostgreSQL. A transaction whose connection breaks, or that the database ends for no
 * fault of its own, is repeated on another connection with growing pauses, until the patience is over. Safe for use by
 * several threads.
 */
/*
 * Everything that is repeated must have the same effect if it was already applied, because a connection may break
 * between a commit and its acknowledgment. Reading does. A change claims a key first; see PostgresChanges.
 *
 * Any other statement may take long: searches of millions of entries do, and so does whatever waits for a compaction or
 * for the making of an index. So only the first statement of a transaction, which waits for nothing, has a limit by
 * default; it finds that a connection of a pool is dead. What follows is limited by the data source.
 */
final class PostgresSession {
    private static final long PATIENCE_NANOS = 10_000_000_000L;
    private static final int MIN_ATTEMPTS = 4; // where one of them already takes long
    private static final long FIRST_PAUSE_MILLIS = 20;
    private static final long LONGEST_PAUSE_MILLIS = 1_000;
    private static final int BEGINNING_MILLIS = 20_000;

    private static final String ON_A_STANDBY = "25006";

    /**
     * The server shut the connection down, is starting, has too many connections, waited for this process for too long,
     * or was a standby in a failover.
     */
    private static final Set<String> SERVER_AWAY =
            Set.of("57P01", "57P02", "57P03", "57P05", "53300", "25P03", ON_A_STANDBY);

    private static final String UNSUPPORTED = "0A000";

    /** The server resolved a conflict with another transaction by rolling this one back. */
    private static final Set<String> ROLLED_BACK = Set.of("40001", "40P01");

    private final DataSource dataSource;
    private final String name;
    private final long patienceNanos;

    /** What a transaction does. */
    interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    /** @param name names the gallery in messages */
    PostgresSession(DataSource dataSource, String name) {
        this(dataSource, name, PATIENCE_NANOS);
    }

    PostgresSession(DataSource dataSource, String name, long patienceNanos) {
        this.dataSource = dataSource;
        this.name = name;
        this.patienceNanos = patienceNanos;
    }

    String name() {
        return name;
    }

    /** Runs a transaction that reads one state of the database. */
    <T> T read(Work<T> work) {
        return repeat(false, connection -> transaction(connection, "REPEATABLE READ READ ONLY", work));
    }

    /** Runs a transaction that changes the database; it must have the same effect if it was already applied. */
    <T> T change(Work<T> work) {
        return repeat(true, connection -> transaction(connection, "READ COMMITTED READ WRITE", work));
    }

    /**
     * Runs a statement that cannot be part of a transaction.
     *
     * @return the server's warning; null if there is none
     */
    @Nullable
    String runOutsideTransactions(String sql) {
        String[] warning = new String[1];
        repeat(true, connection -> {
            boolean before = connection.getAutoCommit();
            connection.setAutoCommit(true);
            try {
                warning[0] = Sql.run(connection, sql);
            } finally {
                connection.setAutoCommit(before);
            }
            return true;
        });
        return warning[0];
    }

    private static <T> T transaction(Connection connection, String mode, Work<T> work) throws SQLException {
        boolean before = connection.getAutoCommit();
        connection.setAutoCommit(false);
        T result;
        try {
            begin(connection, mode);
            result = work.run(connection);
            connection.commit();
        } catch (SQLException | RuntimeException | Error e) {
            rollBack(connection, before);
            throw e;
        }
        try {
            connection.setAutoCommit(before);
        } catch (SQLException e) {
            // committed; whoever gets the connection next finds it broken
        }
        return result;
    }

    private static void begin(Connection connection, String mode) throws SQLException {
        boolean unlimited = connection.getNetworkTimeout() == 0;
        if (unlimited) {
            connection.setNetworkTimeout(Runnable::run, BEGINNING_MILLIS);
        }
        try {
            // a server that waits for a client that is gone must not keep its locks; compiling a search takes longer
            // than the search
            Sql.run(
                    connection,
                    "SET TRANSACTION ISOLATION LEVEL " + mode
                            + "; SET LOCAL idle_in_transaction_session_timeout = 60000; SET LOCAL jit = off");
        } catch (SQLException e) {
            if (UNSUPPORTED.equals(PostgresErrors.reason(e).getSQLState())) { // a standby cannot begin a change
                throw new SQLException(e.getMessage(), ON_A_STANDBY);
            }
            throw e;
        } finally {
            if (unlimited && !connection.isClosed()) {
                connection.setNetworkTimeout(Runnable::run, 0);
            }
        }
    }

    private static void rollBack(Connection connection, boolean autoCommit) {
        try {
            connection.rollback();
            connection.setAutoCommit(autoCommit);
        } catch (SQLException e) {
            // the connection is broken, and the server has rolled back or will do so
        }
    }

    private <T> T repeat(boolean changes, Work<T> attempt) {
        long start = System.nanoTime();
        long pause = FIRST_PAUSE_MILLIS;
        boolean mayBeApplied = false; // by this attempt or one before
        for (int attempts = 1; ; attempts++) {
            boolean connected = false;
            try {
                Connection connection = dataSource.getConnection();
                connected = true;
                try {
                    return attempt.run(connection);
                } finally {
                    close(connection);
                }
            } catch (SQLException e) {
                boolean worthAnother = isTransient(e);
                mayBeApplied |= changes && connected && worthAnother && !isRolledBack(e);
                boolean patient = attempts < MIN_ATTEMPTS || System.nanoTime() - start < patienceNanos;
                if (!worthAnother || !patient || !paused(pause)) {
                    throw PostgresErrors.explained(name, e, worthAnother ? attempts : 0, mayBeApplied);
                }
                pause = Math.min(LONGEST_PAUSE_MILLIS, 2 * pause);
            }
        }
    }

    /** Gives a connection back; what was done with it is committed or rolled back already. */
    private static void close(Connection connection) {
        try {
            connection.close();
        } catch (SQLException e) {
            // it is broken
        }
    }

    /** Pauses for half to all of a time, so that servers do not return all at once; false if interrupted. */
    static boolean paused(long millis) {
        try {
            Thread.sleep(millis / 2 + ThreadLocalRandom.current().nextLong(millis / 2 + 1));
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static boolean isRolledBack(SQLException e) {
        String state = String.valueOf(PostgresErrors.reason(e).getSQLState());
        return ROLLED_BACK.contains(state) || state.equals(ON_A_STANDBY);
    }

    /** Returns whether the same statements may succeed a moment later. */
    static boolean isTransient(SQLException e) {
        SQLException reason = PostgresErrors.reason(e);
        @Nullable String state = reason.getSQLState();
        if (state != null) {
            return state.startsWith("08") || SERVER_AWAY.contains(state) || ROLLED_BACK.contains(state);
        }
        return e instanceof SQLTransientConnectionException
                || e instanceof SQLRecoverableException
                || reason.getCause() instanceof IOException;
    }
}
