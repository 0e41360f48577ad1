package org.facerecognition.gallery;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rewrites the tables of a gallery in PostgreSQL without removed rows, and finds out whether any are left. */
/*
 * VACUUM FULL copies rows that an older transaction may still see, and says nothing. But afterwards relfrozenxid of the
 * table is the oldest transaction of which it may have copied a deleted row; no row of the table, whether one sees it
 * or not, has a number of an older transaction. So what was removed is gone if the last removal is older. Its number is
 * that of the gallery's row in the registry, which a removal writes last. Rows that others enroll or change meanwhile
 * have no influence.
 *
 * Numbers have 32 bits and start again. Whichever of them is meant is at most as old as the present one.
 *
 * Short transactions also keep removed rows, and a standby that protects its queries (hot_standby_feedback) says only
 * every ten seconds by default which ones it still needs. So the table of identities, which is small, is rewritten
 * until it is clean or the patience is over, and then the table of entries once.
 */
final class PostgresErasure {
    private static final long PATIENCE_NANOS = 12_000_000_000L;
    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 2_000;

    private final PostgresSession session;
    private final PostgresSchema.Registered gallery;

    PostgresErasure(PostgresSession session, PostgresSchema.Registered gallery) {
        this.session = session;
        this.gallery = gallery;
    }

    /** Records a removal; the last statement of its transaction. */
    static void record(Connection connection, PostgresSchema.Registered gallery) throws SQLException {
        Sql.update(
                connection,
                "UPDATE " + gallery.tables().galleries() + " SET removed_at = now() WHERE id = ?",
                gallery.id());
    }

    /**
     * Rewrites the tables.
     *
     * @throws GalleryException if the server leaves a table as it is, as it does with a warning only where the user may
     *     not rewrite it, or if it keeps rows that were removed before
     */
    void run() {
        @Nullable Long removal = lastRemoval();
        long start = System.nanoTime();
        long pause = FIRST_PAUSE_MILLIS;
        rewrite(gallery.persons());
        while (!isWithout(removal, gallery.persons())
                && System.nanoTime() - start < PATIENCE_NANOS
                && PostgresSession.paused(pause)) {
            pause = Math.min(LONGEST_PAUSE_MILLIS, 2 * pause);
            rewrite(gallery.persons());
        }
        rewrite(gallery.entries());
        if (!isWithout(removal, gallery.persons()) || !isWithout(removal, gallery.entries())) {
            throw new GalleryException(session.name() + " was compacted, but removed entries remain in the files of the"
                    + " database, because older transactions may still see them; end those that backend_xmin"
                    + " or backend_xid of pg_stat_activity (also of standbys), pg_prepared_xacts or xmin of"
                    + " pg_replication_slots shows, and compact again");
        }
    }

    private void rewrite(String table) {
        @Nullable String warning = session.runOutsideTransactions("VACUUM (FULL, ANALYZE) " + table);
        if (warning != null) {
            throw new GalleryException(session.name() + " was not compacted: " + warning
                    + "; removed entries remain in the files of the database until the owner of the tables named"
                    + " face_gallery... compacts it");
        }
    }

    /** Returns the transaction of the last removal; null if nothing was ever removed. */
    private @Nullable Long lastRemoval() {
        return number("xmin", gallery.tables().galleries() + " WHERE id = ? AND removed_at IS NOT NULL", gallery.id());
    }

    private boolean isWithout(@Nullable Long removal, String table) {
        if (removal == null) {
            return true;
        }
        @Nullable Long oldest = number("relfrozenxid", "pg_class WHERE oid = to_regclass(?)", table);
        return oldest != null && removal < oldest;
    }

    /** Returns the number of the transaction in a column, which does not start again; null if there is no row. */
    private @Nullable Long number(String column, String rows, Object parameter) {
        List<Long> numbers = session.read(connection -> Sql.query(
                connection,
                row -> {
                    long present = row.getLong(1);
                    return present - (present - row.getLong(2) & 0xFFFF_FFFFL);
                },
                "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, " + column + "::text::bigint FROM "
                        + rows,
                parameter));
        return numbers.isEmpty() ? null : numbers.get(0);
    }
}
