package org.facerecognition.gallery;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The tables of galleries, which lie in one schema.
 *
 * @param schema its name, quoted where SQL needs it
 */
record PostgresTables(String schema) {
    /**
     * Returns the tables in the first schema of the search path that has them, or if none has, in the first schema.
     *
     * @param name names the gallery in messages
     * @throws GalleryException if the search path has no schema that the user may use
     */
    static PostgresTables of(Connection connection, String name) throws SQLException {
        return Sql.query(
                        connection,
                        row -> {
                            @Nullable String schema = row.getString(1);
                            if (schema == null) {
                                throw new GalleryException("the search path of the database of " + name
                                        + " must have a schema that exists and that the user may use, but is "
                                        + row.getString(2) + "; create one, grant the user USAGE on it, or name another"
                                        + " with the connection's parameter currentSchema");
                            }
                            return new PostgresTables(schema);
                        },
                        "SELECT quote_ident(coalesce((SELECT n.nspname FROM pg_class c"
                                + " JOIN pg_namespace n ON n.oid = c.relnamespace"
                                + " WHERE c.oid = to_regclass('face_gallery_schema')), current_schema())),"
                                + " current_setting('search_path')")
                .get(0);
    }

    /** Returns the table of the steps that were applied. */
    String versions() {
        return schema + ".face_gallery_schema";
    }

    /** Returns the table of galleries. */
    String galleries() {
        return schema + ".face_gallery";
    }

    /** Returns the table of identities, with a partition for each gallery. */
    String persons() {
        return schema + ".face_gallery_person";
    }

    /** Returns the table of entries, with a partition for each gallery. */
    String entries() {
        return schema + ".face_gallery_entry";
    }

    /** Returns the sequence of the ids of entries. */
    String entryIds() {
        return schema + ".face_gallery_entry_id";
    }

    /** Returns the table of the keys of changes. */
    String changes() {
        return schema + ".face_gallery_change";
    }
}
