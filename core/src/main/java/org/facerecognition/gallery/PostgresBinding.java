package org.facerecognition.gallery;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import org.facerecognition.gallery.PostgresSchema.Registered;
import org.jspecify.annotations.Nullable;

/** Binds galleries in PostgreSQL to a model and an embedding mode, and compares them with those of readers. */
/*
 * A gallery without entries has nothing that could not be compared, so it is bound to the next model and mode that is
 * asked for. It then gets another number, and new tables instead of its own. So every statement of a server that has
 * the gallery open fails, and none mixes embeddings that cannot be compared; nothing has to be compared before each
 * search and change. Nothing is left of what was removed either. The keys of changes go with the gallery.
 */
final class PostgresBinding {
    private PostgresBinding() {}

    /**
     * Registers a gallery if there is none of its name, and binds it to a model, and to an embedding mode if one is
     * wanted and it has none, or has no entries.
     *
     * @param gallery its name
     * @throws GalleryException if it has entries of another model or mode
     */
    static Registered bind(PostgresSession session, PostgresTables tables, String gallery, GalleryInfo wanted) {
        return session.change(connection -> {
            Registered found = PostgresSchema.findOrCreate(
                    connection, tables, session.name(), gallery, wanted.fingerprint(), wanted.dimension());
            return isBound(found, wanted) ? found : bind(connection, session.name(), locked(connection, found), wanted);
        });
    }

    /** Returns the gallery as it is when nobody else changes it. */
    private static Registered locked(Connection connection, Registered found) throws SQLException {
        Registered locked;
        Registered current = found;
        do {
            locked = current;
            PostgresChanges.lockExclusive(connection, locked);
            current = current(connection, locked);
        } while (current.id() != locked.id()); // another server has bound it meanwhile
        return current;
    }

    private static Registered current(Connection connection, Registered gallery) throws SQLException {
        return PostgresSchema.find(connection, gallery.tables(), gallery.name()).orElseThrow();
    }

    private static Registered bind(Connection connection, String name, Registered found, GalleryInfo wanted)
            throws SQLException {
        if (isBound(found, wanted)) {
            return found;
        }
        if (found.info().embeddingMode() == null && isOfModel(found, wanted)) {
            Sql.update(
                    connection,
                    "UPDATE " + found.tables().galleries() + " SET embedding_mode = ? WHERE id = ?",
                    wanted.embeddingMode(),
                    found.id());
        } else if (isEmpty(connection, found)) {
            PostgresSchema.replace(connection, name, found, wanted);
        } else {
            check(name, found, wanted);
        }
        return current(connection, found);
    }

    /** Returns whether a gallery is bound to a model, and to a mode if one is wanted. */
    static boolean isBound(Registered gallery, GalleryInfo wanted) {
        return isOfModel(gallery, wanted)
                && (wanted.embeddingMode() == null
                        || wanted.embeddingMode().equals(gallery.info().embeddingMode()));
    }

    private static boolean isOfModel(Registered gallery, GalleryInfo wanted) {
        return gallery.info().fingerprint().equals(wanted.fingerprint())
                && gallery.info().dimension() == wanted.dimension();
    }

    private static boolean isEmpty(Connection connection, Registered gallery) throws SQLException {
        return Sql.query(
                        connection,
                        row -> row.getBoolean(1),
                        "SELECT NOT EXISTS (SELECT FROM " + gallery.entries() + ")")
                .get(0);
    }

    /**
     * Compares a gallery with the model and the mode that its reader wants.
     *
     * @param name names the gallery in messages
     * @return whether it has entries; it can be read with every model and mode as long as it has none
     * @throws GalleryException if it has entries of another model or mode
     */
    static boolean compare(Connection connection, String name, Registered gallery, GalleryInfo wanted)
            throws SQLException {
        if (isEmpty(connection, gallery)) {
            return false;
        }
        check(name, current(connection, gallery), wanted);
        return true;
    }

    private static void check(String name, Registered gallery, GalleryInfo wanted) {
        ModelBinding.check(name, gallery.info(), wanted.fingerprint(), wanted.dimension(), "gallery");
        @Nullable String mode = gallery.info().embeddingMode();
        if (mode != null) {
            ModelBinding.checkMode(name, mode, Objects.requireNonNullElse(wanted.embeddingMode(), mode), "gallery");
        }
    }
}
